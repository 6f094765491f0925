// The way into a sandbox, seen from outside: it may not be there, say other things, or lie; and whoever stands inside may
// hear nonsense. Nobody waits for ever, nobody crashes, nobody is left.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { after, before, describe, it } from "node:test";
import fc from "fast-check";
import { eventually } from "../../test/support/eventually.ts";
import { encodeFrame, u32 } from "./frames.ts";
import { type Child, FailedStart, StartTimeout } from "./keepers.ts";
import { alive, allText, Bed, binaries, isAlive, processes, until } from "./testing/bed.ts";

const greeting = Buffer.from("\0hearth-inside:\x01", "latin1");
const [ready, live, failed, output, death, silence, hit, taken] = [97, 98, 99, 100, 101, 102, 103, 66];
const tag = `305.${process.pid}`;

/** What an honest half says until the command runs. */
const begun = [greeting, encodeFrame(ready, u32(4711), Buffer.from([0, 0])), encodeFrame(live)];
const ended = encodeFrame(death, Buffer.from([0, 7, 0, 0]));
const closed = encodeFrame(silence, u32(0));
const said = (text: string): Buffer => encodeFrame(output, Buffer.from(text));

for (const name of ["ordinary", "sanitized"] as const)
  describe(`the way into a sandbox (${name})`, () => {
    let bed: Bed;
    let count = 0;
    before(async () => {
      bed = await Bed.make(await binaries[name]());
    });
    after(async () => {
      const reports = await bed.sanitizerReports();
      await bed[Symbol.asyncDispose]();
      assert.deepEqual(reports, []);
    });

    const through = (script: string, more: { startDeadlineMs?: number; id?: string; command?: string } = {}) =>
      bed.sh(more.id ?? `t${count++}`, more.command ?? "true", {
        transport: bed.transport(["sh", "-c", script, bed.binary]),
        ...(more.startDeadlineMs === undefined ? {} : { startDeadlineMs: more.startDeadlineMs }),
      });
    /**
     * A sandbox that says exactly this, and then either leaves or stays. Somebody in it listens to the end: how far one
     * gets who does not is a matter of luck.
     */
    async function saying(parts: readonly Uint8Array[], stays = false): Promise<Child> {
      const file = join(bed.home, `said-${count}`);
      await writeFile(file, Buffer.concat(parts));
      const listening = "exec 3<&0; cat <&3 >/dev/null 2>&1 & exec 3<&-";
      return await through(`${listening}; cat ${file}${stays ? "; exec sleep 60" : ""}`);
    }
    const refused = async (starting: Promise<Child>): Promise<FailedStart> => {
      const error = await starting.then(
        () => undefined,
        (thrown: unknown) => thrown,
      );
      assert.ok(error instanceof FailedStart, String(error));
      return error;
    };
    const leaves = (child: Child) =>
      eventually("the keeper has left", async () => !(await isAlive(child.live?.keeperPid ?? 0)));

    it("P6: that is not there, or leaves before the command runs, is a failed start with its words", async () => {
      const missing = await refused(bed.sh("missing", "true", { transport: bed.transport(["no-such-program"]) }));
      assert.deepEqual([missing.step, missing.errno], ["transport", "ENOENT"]);
      assert.match(missing.message, /no-such-program/);
      const words = "echo 'no such image: ünknown' >&2; echo and more; exit 125";
      const silent = await refused(through(words));
      assert.deepEqual([silent.step, silent.errno], ["transport", "ECONNABORTED"]);
      assert.match(silent.words ?? "", /no such image: ünknown/);
      assert.match(silent.words ?? "", /and more/);
      assert.match(silent.message, /It said:\n/);
      await assert.rejects(stat(join(bed.childrenDir, `t${count - 1}`)), { code: "ENOENT" });
    });

    it("P6: may say whatever it likes before the greeting, which is kept apart from the output and bounded", async () => {
      const noise = "head -c 300000 /dev/zero | tr '\\0' x >&2; echo last banner >&2; echo welcome";
      const child = await through(`${noise}; exec "$0" inside`, { command: "echo mine; exit 4", id: "noisy" });
      assert.equal(await allText(child), "mine\n");
      const log = await readFile(join(child.dir, "transport.log"), "utf8");
      assert.ok(log.length <= 64 * 1024, String(log.length));
      assert.match(log, /last banner/);
    });

    it("P6: a half of another version is refused in words", async () => {
      const other = Buffer.concat([greeting.subarray(0, -1), Buffer.of(9)]);
      const file = join(bed.home, "other-version");
      await writeFile(file, other);
      const failure = await refused(through(`cat ${file}; exec sleep 60`));
      assert.equal(failure.step, "version");
      assert.match(failure.words ?? "", /speaks version 9, this one 1/);
    });

    it("P6: the inside half refuses a command of another version", async () => {
      const half = spawn(bed.binary, ["inside"], { stdio: ["pipe", "pipe", "inherit"], cwd: bed.home });
      half.stdin.end(encodeFrame(33, Buffer.from("\x09arg=true\0end\0", "latin1")));
      const answer = await buffer(half.stdout);
      assert.equal(answer.subarray(0, 16).toString("latin1"), greeting.toString("latin1"));
      assert.match(answer.toString("latin1"), /version$/);
    });

    it("A42: nothing of the command is told to a stranger", async () => {
      const secret = "do-not-tell";
      const starting = bed.sh("stranger", secret, {
        transport: bed.transport(["sh", "-c", "cat > heard"]),
        startDeadlineMs: 3_000,
      });
      await assert.rejects(starting, StartTimeout);
      await eventually("it has left", async () => (await readFile(join(bed.home, "work", "heard"), "utf8")) === "");
      await eventually("the keeper has left", async () => (await alive("cat > heard")).length === 0);
    });

    it("P5: one that comes up after the deadline never runs the command", async () => {
      const script = 'mkfifo late; read x < late; exec "$0" inside';
      const starting = through(script, { startDeadlineMs: 300, command: "echo ran > ran", id: "late" });
      await assert.rejects(starting, (error) => error instanceof StartTimeout && /300 ms/.test(error.message));
      await eventually("it is gone", async () => (await readdir(join(bed.childrenDir, "late"))).includes("revoked"));
      await eventually("nobody is left", async () => !(await readdir(join(bed.childrenDir, "late"))).includes("sock"));
      assert.equal((await readdir(join(bed.home, "work"))).includes("ran"), false);
    });

    it("F16: its reports are taken as they are", async () => {
      const child = await saying([...begun, said("one "), said("two"), ended, said(" three"), closed]);
      assert.deepEqual(
        { ...(await child.exited), endedAt: 0 },
        {
          kind: "exited",
          code: 7,
          signal: null,
          core: false,
          endedAt: 0,
          bytesAtExit: 7,
          endedBy: "itself",
        },
      );
      assert.equal(await allText(child), "one two three");
      assert.equal(child.live?.pidInside, 4711);
      await leaves(child);
    });

    it("A49: limits that it reports are kept for the next host as well", async () => {
      const child = await saying([
        ...begun,
        encodeFrame(hit, Buffer.from([2])),
        encodeFrame(hit, Buffer.from([3])),
        ended,
        closed,
      ]);
      await child.exited;
      assert.equal(await readFile(join(child.dir, "hits"), "utf8"), "oom_kill 1\nmax 1\n");
      await leaves(child);
    });

    const breaches: [string, Uint8Array[]][] = [
      ["a length beyond any", [Buffer.from([output, 0xff, 0xff, 0xff, 0xff])]],
      ["half a frame", [Buffer.from([output, 0, 0, 0, 9, 1, 2])]],
      ["a type that is none", [encodeFrame(77, Buffer.from("x"))]],
      ["a second beginning", [encodeFrame(ready, u32(1), Buffer.from([0, 0]))]],
      ["a failure of what runs", [encodeFrame(failed, u32(2), Buffer.from("exec"))]],
      ["an answer to nothing", [encodeFrame(taken, u32(1), u32(0), u32(0))]],
      ["an end by signal 0", [encodeFrame(death, Buffer.from([1, 0, 0, 0]))]],
      ["an end of an unknown kind", [encodeFrame(death, Buffer.from([0, 0, 0, 9]))]],
      ["a limit that is none", [encodeFrame(hit, Buffer.from([4]))]],
      ["a limit without a name", [encodeFrame(hit)]],
      ["an end of output before an end", [closed]],
      ["nothing more", []],
    ];
    for (const [what, parts] of breaches)
      it(`F03: that breaks the protocol is gone, and the child is lost: ${what}`, async () => {
        const child = await saying([...begun, said("before"), ...parts]);
        const end = await child.exited;
        assert.equal(end.kind === "lost" && end.reason, "transport_gone");
        assert.equal(await allText(child), "before");
        await leaves(child);
      });

    it("F03: a breach ends it, though it stays; what it said is quoted", async () => {
      const file = join(bed.home, "breach");
      await writeFile(file, Buffer.concat([...begun, encodeFrame(77)]));
      const child = await through(`cat ${file}; echo my last words >&2; exec sleep ${tag}1`);
      const end = await child.exited;
      assert.ok(end.kind === "lost" && end.reason === "transport_gone");
      assert.match(end.words ?? "", /broke the protocol/);
      await child.closed;
      await leaves(child);
      assert.deepEqual(await alive(`sleep ${tag}1`), []);
    });

    it("P23: after the end was told, nothing changes it", async () => {
      for (const parts of [
        [ended, ended],
        [ended, closed, said("more")],
        [ended, closed, closed],
        [ended, live],
      ]) {
        const bytes = parts.map((part) => (part instanceof Buffer ? part : encodeFrame(live)));
        const child = await saying([...begun, said("out"), ...bytes], true);
        const end = await child.exited;
        assert.deepEqual(end.kind === "exited" && [end.code, end.bytesAtExit], [7, 3]);
        assert.deepEqual(await child.closed, { bytes: 3, stragglers: 0 });
        await leaves(child);
      }
    });

    it("F36: whatever it sends, a start fails or its child ends, and the keeper leaves", async () => {
      const frame = fc
        .record({
          type: fc.oneof(fc.constantFrom(ready, live, failed, output, death, silence, taken), fc.nat(255)),
          body: fc.oneof(fc.uint8Array({ maxLength: 16 }), fc.uint8Array({ maxLength: 300, size: "max" })),
        })
        .map(({ type, body }) => encodeFrame(type, body));
      const anything = fc.array(fc.oneof(frame, fc.constant(said("x")), fc.uint8Array({ maxLength: 40 })), {
        maxLength: 6,
      });
      const stream = fc.tuple(fc.constantFrom([], [greeting], begun, [...begun, ended]), anything);
      await fc.assert(
        fc.asyncProperty(stream, async ([head, rest]) => {
          const child = await saying([...head, ...rest]).catch((error: unknown) => error);
          if (child instanceof FailedStart) return;
          const { exited, closed: over } = child as Child;
          await Promise.all([exited, over]);
          await leaves(child as Child);
        }),
        { seed: 7, numRuns: 60 },
      );
    });

    it("F36: whatever the inside half hears, it ends what it holds and leaves", async () => {
      const command = Buffer.from(`\x01mark=m\0cwd=/\0arg=sleep\0arg=${tag}2\0mode=pipe\0end\0`);
      const honest = [encodeFrame(33, command), encodeFrame(34)];
      const frame = fc
        .record({
          type: fc.oneof(fc.integer({ min: 1, max: 8 }), fc.integer({ min: 33, max: 36 }), fc.nat(255)),
          body: fc.uint8Array({ maxLength: 40 }),
        })
        .map(({ type, body }) => encodeFrame(type, body));
      const stream = fc.tuple(
        fc.constantFrom([], honest.slice(0, 1), honest),
        fc.array(fc.oneof(frame, fc.uint8Array({ maxLength: 40 })), { maxLength: 6 }),
      );
      await fc.assert(
        fc.asyncProperty(stream, async ([head, rest]) => {
          const half = spawn(bed.binary, ["inside"], { stdio: ["pipe", "ignore", "ignore"], cwd: bed.home });
          bed.alsoEnd(half.pid ?? 0);
          half.stdin.on("error", () => undefined); // it may have left already
          half.stdin.end(Buffer.concat([...head, ...rest]));
          await once(half, "exit");
        }),
        { seed: 7, numRuns: 60 },
      );
      assert.deepEqual(await alive(`sleep ${tag}2`), []);
    });

    it("P6: nothing is left at the far end when the near half is killed, whoever hides there", async () => {
      const script = [
        `env -i setsid sleep ${tag}3 </dev/null >/dev/null 2>&1 &`,
        `(trap '' TERM HUP; while :; do sleep ${tag}3; done) &`,
        "echo up; wait",
      ].join("\n");
      const child = await through('"$0" inside; exit $?', { command: script });
      await until(child, "up");
      await eventually("they sleep", async () => (await alive(`sleep ${tag}3`)).length === 2);
      // Tests of other files have halves of the same program at the same time.
      const half = (await processes()).find(
        (one) => one.parent === child.live?.pid && one.command.startsWith(`${bed.binary} inside`),
      );
      assert.ok(half !== undefined);
      child.detach(); // no host hears of it: the far end is on its own
      process.kill(child.live?.keeperPid ?? 0, "SIGKILL");
      await eventually("nobody is left", async () => (await alive(`sleep ${tag}3`)).length === 0);
      await eventually("the half has left", async () => !(await isAlive(half.pid)));
    });
  });
