import assert from "node:assert/strict";
import { copyFile, mkdtemp, open, readdir, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, describe, it } from "node:test";
import { event } from "./conformance.ts";
import type { EventLog } from "./event-log.ts";
import { openLog } from "./open.ts";

let home: string;
let file: string;
let warnings: string[];
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), "hearth-damage-"));
  file = join(home, "hearth.db");
  warnings = [];
});
afterEach(() => rm(home, { recursive: true }));

const openIt = () => openLog({ home, onWarning: (text) => warnings.push(text) });

async function filled(events: number): Promise<void> {
  await using log = await openIt();
  for (let i = 1; i <= events; i++) {
    await log.append("a", [event(`id ${i}`, `text <${i}> ${"x".repeat(200)}`)], {
      views: [{ view: "v", key: `${i}`, value: `value <${i}>` }],
    });
  }
  await log.append("b", [event("other")]);
}

/** Flips one bit wherever `text` is found: old copies lie about in a database file. */
async function flip(path: string, text: string, plus: number): Promise<void> {
  const bytes = await readFile(path);
  let found = 0;
  for (let at = bytes.indexOf(text); at >= 0; at = bytes.indexOf(text, at + 1), found++) {
    bytes[at + plus] = (bytes[at + plus] ?? 0) ^ 1;
  }
  assert.ok(found > 0, `${text} is in ${path}`);
  await writeFile(path, bytes);
}

async function types(log: EventLog, stream: string): Promise<string[]> {
  const all = await log.read(stream, 0, 1000);
  assert.deepEqual(
    all.map(({ seq }) => seq),
    all.map((_, i) => i + 1),
  );
  return all.map(({ type }) => type);
}

describe("the log, when bytes on disk are not what was written", () => {
  it("F29: reads a flipped event as damaged, under its number, and the others as they were", async () => {
    await filled(30);
    await flip(file, "text <7>", 6);
    await using log = await openIt();
    const all = await log.read("a", 0, 100);
    assert.deepEqual(
      all.map(({ seq, type }) => (type === "message.delta" ? seq : type)),
      Array.from({ length: 30 }, (_, i) => (i === 6 ? "event.damaged" : i + 1)),
    );
    assert.deepEqual(all[6]?.payload, { reason: "checksum" });
    await log.read("a", 0, 100);
    assert.equal(warnings.length, 1, "told once");
    assert.match(warnings[0] ?? "", /event 7/);
    // Writing goes on behind it.
    assert.equal((await log.append("a", [event("next")]))[0]?.seq, 31);
    await log[Symbol.asyncDispose]();
    using db = new DatabaseSync(file, { readOnly: true });
    const kept = db.prepare("SELECT place, row FROM quarantine").all();
    assert.equal(kept.length, 1);
    assert.match(String(kept[0]?.row), /xxx/);
  });

  it("F29: numbers stay dense where rows are missing or have another's number", async () => {
    await filled(10);
    using db = new DatabaseSync(file);
    db.exec(
      "DELETE FROM events WHERE stream = 1 AND seq IN (3, 4); UPDATE events SET seq = 5000000 WHERE stream = 1 AND seq = 6",
    );
    db.close();
    await using log = await openIt();
    const damaged = (await types(log, "a")).flatMap((type, i) => (type === "event.damaged" ? [i + 1] : []));
    assert.deepEqual(damaged, [3, 4, 6]);
    assert.equal(await log.head("a"), 10);
  });

  it("F29: an unreadable page of the file costs the events on it, not the rest", async () => {
    await filled(200);
    const bytes = await readFile(file);
    const at = bytes.indexOf("text <100>");
    assert.ok(at > 0);
    // The page's own header: SQLite calls the page malformed.
    bytes.fill(0xee, at - (at % 4096), at - (at % 4096) + 8);
    await writeFile(file, bytes);
    await using log = await openIt();
    const found = await types(log, "a");
    const damaged = found.filter((type) => type === "event.damaged").length;
    assert.ok(damaged > 0 && damaged < 60, `${damaged} damaged`);
    assert.equal(found.length, 200);
    assert.ok(warnings.length > 0);
    assert.deepEqual(await types(log, "b"), ["message.delta"]);
  });

  it("F29: a flipped view row is absent, and reported", async () => {
    await filled(10);
    await flip(file, "value <3>", 7);
    await using log = await openIt();
    const views = await log.views("v");
    assert.equal(views.size, 9);
    assert.equal(await log.view("v", "3"), undefined);
    assert.equal(warnings.length, 1);
  });

  it("F29: acknowledged events lost from the write-ahead log are noticed, kept aside, and end the log's name", async () => {
    // As a crash leaves it: what was written is still in the write-ahead log.
    const crashed = await mkdtemp(join(tmpdir(), "hearth-damage-"));
    let logId: string;
    {
      await using log = await openIt();
      logId = log.logId;
      for (let i = 1; i <= 20; i++) await log.append("a", [event(`id ${i}`, `text <${i}> ${"x".repeat(200)}`)]);
      for (const name of ["hearth.db", "hearth.db-wal"]) await copyFile(join(home, name), join(crashed, name));
    }
    await rm(home, { recursive: true });
    home = crashed;
    file = join(home, "hearth.db");
    const wal = `${file}-wal`;
    const [whole, database] = await Promise.all([readFile(wal), readFile(file)]);

    // The last bytes are missing: an append that was not finished when the power went. Nothing to tell.
    await truncate(wal, whole.length - 100);
    {
      await using log = await openIt();
      assert.equal(log.logId, logId);
      assert.equal(await log.head("a"), 19);
      assert.deepEqual(warnings, []);
    }

    await writeFile(file, database);
    await writeFile(wal, whole);
    await flip(wal, "text <12>", 30);
    await using log = await openIt();
    assert.notEqual(log.logId, logId);
    const head = await log.head("a");
    assert.ok(head >= 11 && head < 20);
    assert.match(warnings.join(), /lost.*hearth\.db-wal\.damaged-/);
    assert.equal((await readdir(home)).filter((name) => name.includes("damaged")).length, 1);
  });

  it("F29: a file that is damaged as a whole is refused by its name and left as it is", async () => {
    await filled(100);
    for (const damage of [
      async () => await truncate(file, 5000),
      async () => await writeFile(file, "not a database at all ".repeat(1000)),
      async () => {
        await using handle = await open(file, "r+");
        await handle.write(Buffer.alloc(4096, 0xaa), 0, 4096, 0);
      },
    ]) {
      const whole = await readFile(file);
      await damage();
      const before = await readFile(file);
      await assert.rejects(openIt(), { reason: "storage_failed", message: /hearth\.db is damaged .* left as it is/ });
      assert.deepEqual(await readFile(file), before);
      await writeFile(file, whole);
    }
    await using log = await openIt();
    assert.equal(await log.head("a"), 100);
  });

  it("refuses a write-ahead log whose database is gone", async () => {
    await writeFile(`${file}-wal`, "something", { mode: 0o600 });
    await assert.rejects(openIt(), { message: /hearth\.db is empty, but .*hearth\.db-wal is not/ });
  });
});
