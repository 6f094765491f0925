import assert from "node:assert/strict";
import { appendFile, mkdtemp, readFile, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { eventually } from "../../../test/support/eventually.ts";
import { SpoolReader } from "../../keeper/spool-reader.ts";
import type { Drawn } from "../../processes/attachment.ts";
import { SizeHistory } from "../../processes/size-history.ts";
import type { TerminalFrame } from "../../protocol/frames.ts";
import { Emulator } from "./emulator.ts";
import type { Sign } from "./messages.ts";
import { Screens } from "./screens.ts";
import { differences } from "./testing/compare.ts";

type Shown = Extract<TerminalFrame, { type: "snapshot" }>;
const SIZE = { rows: 12, cols: 40 };
const BUDGET = 4 * 1024 * 1024;

/** Output on disk, as a keeper writes it. */
class Output implements Drawn {
  static #count = 0;
  readonly id = `term_${String(Output.#count++).padStart(12, "0")}`;
  readonly dir: string;
  readonly spool: SpoolReader;
  readonly sizes = new SizeHistory([{ offset: 0, ...SIZE }]);
  #length = 0;
  constructor(dir: string) {
    this.dir = dir;
    this.spool = new SpoolReader(dir);
  }
  async print(text: string): Promise<void> {
    const bytes = Buffer.from(text);
    await appendFile(join(this.dir, "spool.0"), bytes);
    this.#length += bytes.length;
    this.spool.heard(this.#length);
  }
  /** What a host after this one finds. */
  again(): Output {
    const next = new Output(this.dir);
    Object.assign(next, { id: this.id });
    next.#length = this.#length;
    next.spool.heard(this.#length);
    return next;
  }
}

/** A busy machine may leave the last bytes to the viewer: asked again until all are drawn but `held` at the end. */
async function shown(screens: Screens, output: Output, budget = BUDGET, held = 0): Promise<Shown> {
  let { frame, offset } = await screens.snapshot(output, budget);
  while (offset < output.spool.length - held) ({ frame, offset } = await screens.snapshot(output, budget));
  const told = JSON.parse(Buffer.from(frame).toString()) as Shown;
  assert.equal(told.offset, offset);
  return told;
}

describe("the screens of terminals", () => {
  let home: string;
  const warnings: string[] = [];
  before(async () => {
    home = await mkdtemp(join(tmpdir(), "hearth-screens-"));
  });
  after(() => rm(home, { recursive: true, force: true }));
  const output = async () => new Output(await mkdtemp(join(home, "child-")));
  const open = () => new Screens({ onWarning: (text) => void warnings.push(text) });

  it("T9: are the same for the next host, also where the output that led to them is no longer kept", async () => {
    const child = await output();
    await child.print(`\x1b]2;a title\x07${"old\r\n".repeat(30)}\x1b[?1049h\x1b[?2004h\x1b[31mred`);
    using stayed = new Emulator(SIZE);
    stayed.feed(await readFile(join(child.dir, "spool.0")));
    {
      await using screens = open();
      screens.follow(child);
      const { screen, title, complete } = await shown(screens, child);
      assert.deepEqual([title, complete], ["a title", true]);
      using came = new Emulator(SIZE);
      came.feed(Buffer.from(screen));
      assert.deepEqual(differences(stayed.core, came.core, SIZE.cols), []);
      // Put aside as a screen at rest.
      const putAside = () => readFile(join(child.dir, "screen"), "utf8").catch(() => "");
      await eventually("it is put aside", async () => (await putAside()) !== "");
    }
    const first = child.spool.length;
    const next = child.again();
    await rename(join(child.dir, "spool.0"), join(child.dir, "gone"));
    await writeFile(join(child.dir, `spool.${first}`), " and more");
    next.spool.heard(first + 9, first);
    stayed.feed(Buffer.from(" and more"));
    await using screens = open();
    const { screen } = await shown(screens, next);
    using came = new Emulator(SIZE);
    came.feed(Buffer.from(screen));
    assert.deepEqual(differences(stayed.core, came.core, SIZE.cols), []);
  });

  it("T7: go on where output was dropped faster than it was drawn", async () => {
    const child = await output();
    await using screens = open();
    await child.print("drawn long ago\r\n");
    await shown(screens, child);
    await rm(join(child.dir, "spool.0"));
    await writeFile(join(child.dir, "spool.1000"), `the rest\r\n${"of it\r\n".repeat(SIZE.rows)}the end`);
    await child.spool.measure();
    assert.match((await shown(screens, child)).screen, /of it\r\nthe end/);
    assert.deepEqual(warnings, []);
  });

  it("T9: sizes come into force at their byte", async () => {
    const child = await output();
    await using screens = open();
    using stayed = new Emulator(SIZE);
    for (const cols of [60, 25, 33]) {
      const text = `${"wrapped again and again ".repeat(6)}\r\n`;
      await child.print(text);
      stayed.feed(Buffer.from(text));
      child.sizes.add({ offset: child.spool.length, rows: 14, cols });
      stayed.resize({ rows: 14, cols });
    }
    const { screen, rows, cols } = await shown(screens, child);
    assert.deepEqual([rows, cols], [14, 33]);
    using came = new Emulator({ rows, cols });
    came.feed(Buffer.from(screen));
    assert.deepEqual(differences(stayed.core, came.core, cols), []);
  });

  it("N11: only as much scrollback as was asked for, cut between lines, and what it left out is said", async () => {
    const child = await output();
    await using screens = open();
    await child.print(Array.from({ length: 500 }, (_, at) => `line ${at}\r\n`).join(""));
    const [none, some, all] = [
      await shown(screens, child, 0),
      await shown(screens, child, 1000),
      await shown(screens, child),
    ];
    assert.deepEqual([none.complete, some.complete, all.complete], [false, false, true]);
    assert.ok(none.screen.length < some.screen.length && some.screen.length < 1500);
    assert.match(some.screen, /^line \d+\r\n/);
    assert.ok(all.screen.startsWith("line 0\r\n"));
  });

  it("T13: tell who watches of titles and bells that come from now on, and each of them once", async () => {
    const child = await output();
    await using screens = open();
    screens.follow(child);
    await child.print("\x1b]2;old\x07\x07");
    assert.equal((await shown(screens, child)).title, "old");
    const told: Sign[] = [];
    const watching = screens.watch(child.id, (sign) => void told.push(sign));
    const tells = async (text: string, title: string | null, rang: boolean) => {
      await child.print(text);
      await eventually(`${text} is told`, () => told.length > 0);
      assert.deepEqual(told.splice(0), [{ title, rang }]);
    };
    // What ends a title, or stands in a string, is no bell.
    await tells("\x1b]2;one\x07 \x1b]9;hidden\x07 \x1bP\x07\x1b\\", "one", false);
    await tells("\x1b]2;one\x07\x07\x07", null, true);
    await tells("\x1b]0;two\x1b\\", "two", false);
    await tells(`\x1b]0;${"x".repeat(1023)}\x7f\x01😀\x07`, "x".repeat(1023), false);
    // The next thread draws all of it once more.
    await screens.restart();
    await tells("\x1b]2;three\x07", "three", false);
    watching[Symbol.dispose]();
    await child.print("\x1b]2;unseen\x07\x07");
    assert.equal((await shown(screens, child)).title, "unseen");
    using _again = screens.watch(child.id, (sign) => void told.push(sign));
    await tells("\x07", null, true);
  });

  it("T13: tell of a flood of titles and bells at most 4 times a second, with the last title", async () => {
    const child = await output();
    await using screens = open();
    screens.follow(child);
    const told: Sign[] = [];
    using _watching = screens.watch(child.id, (sign) => void told.push(sign));
    const began = performance.now();
    for (let part = 0; part < 20; part++)
      await child.print(Array.from({ length: 500 }, (_, at) => `\x1b]2;${part}-${at}\x07\x07`).join(""));
    await eventually("the last one is told", () => told.at(-1)?.title === "19-499");
    assert.ok(told.length <= 1 + (performance.now() - began) / 250, `${told.length} times`);
    assert.ok(told.some(({ rang }) => rang));
  });

  it("F42: a thread that died is started anew and knows everything again; one without work is not needed", async () => {
    const child = await output();
    await using screens = open();
    assert.equal(screens.awake, false);
    await child.print("first");
    assert.match((await shown(screens, child)).screen, /first/);
    await screens.restart();
    assert.equal(screens.awake, false);
    await child.print(" second");
    assert.match((await shown(screens, child)).screen, /first second/);
    assert.deepEqual(warnings, []);
  });

  it("F42: a thread that cannot be had is told, and costs nobody more than the screen", async () => {
    const told = Promise.withResolvers<string>();
    const thread = new URL("https://localhost/none"); // refused at once, as where no thread can be made any more
    await using screens = new Screens({ onWarning: told.resolve, thread });
    const child = await output();
    screens.follow(child);
    await child.print("hello");
    assert.match(await told.promise, new RegExp(`^the screen of ${child.id}: `));
    await assert.rejects(screens.snapshot(child, BUDGET));
  });

  it("T9: a snapshot in the middle of a sequence or a character leaves that to the bytes that follow", async () => {
    const child = await output();
    await using screens = open();
    await child.print("text \x1b[3");
    const { offset, screen } = await shown(screens, child, BUDGET, 3);
    assert.equal(offset, 5);
    using came = new Emulator(SIZE);
    came.feed(Buffer.from(`${screen}\x1b[31mred`));
    using stayed = new Emulator(SIZE);
    stayed.feed(Buffer.from("text \x1b[31mred"));
    assert.deepEqual(differences(stayed.core, came.core, SIZE.cols), []);
  });

  it("F42: a thread that hangs is replaced, and what hangs it again is no longer drawn: the others are", async () => {
    const told: string[] = [];
    await using screens = new Screens({
      onWarning: (text) => void told.push(text),
      thread: new URL("./testing/hanging-thread.ts", import.meta.url),
      pingMs: 20,
      // Longer than a busy machine keeps a thread from its first answer.
      stuckMs: 3_000,
    });
    const [well, bad] = [await output(), await output()];
    Object.assign(bad, { id: "term_hangs" });
    screens.follow(well);
    await well.print("before\r\n");
    assert.match((await shown(screens, well)).screen, /before/);
    screens.follow(bad);
    await bad.print("poison");
    const until = (count: number) => eventually(`${count} are told`, () => told.length >= count);
    await until(1);
    await well.print("between\r\n");
    assert.match((await shown(screens, well)).screen, /before\r\nbetween/);
    await assert.rejects(
      screens.snapshot(bad, BUDGET).then(async () => {
        // It is drawn before it hangs once more.
        await until(2);
        return await screens.snapshot(bad, BUDGET);
      }),
    );
    await until(2);
    assert.match(told.join("\n"), /hangs in what term_hangs has printed.*\n.*viewers get its output$/);
    await bad.print("more");
    await assert.rejects(screens.snapshot(bad, BUDGET), /cannot be drawn/);
    await well.print("after\r\n");
    assert.match((await shown(screens, well)).screen, /between\r\nafter/);
    assert.equal(told.length, 2);
  });
});
