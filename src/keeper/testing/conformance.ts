// What every keeper binary must do, whichever way it was built. Each case drives the real one.
import assert from "node:assert/strict";
import { readdir, readFile, stat, writeFile } from "node:fs/promises";
import { constants } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { FailedStart, NotRunning, OffsetGone, StillRunning } from "../keepers.ts";
import { allText, Bed, pidOf, textSoFar, until, type WayIn } from "./bed.ts";
import { ending } from "./ending.ts";
import { trusting } from "./trusting.ts";

const modes = ["pipe", "pty"] as const;

/** Registers the suite under `name`; with a `wayIn`, every child runs behind an inside half. */
export function conformance(name: string, binary: () => Promise<string>, wayIn?: WayIn): void {
  describe(name, () => {
    let bed: Bed;
    before(async () => {
      bed = await Bed.make(await binary());
      bed.wayIn = wayIn;
    });
    after(async () => {
      const reports = await bed.sanitizerReports();
      await bed[Symbol.asyncDispose]();
      assert.deepEqual(reports, [], "a sanitizer found something");
    });
    starting(() => bed);
    talking(() => bed);
    output(() => bed);
    ending(() => bed);
    trusting(() => bed);
  });
}

function starting(bed: () => Bed): void {
  it("P2: gives a terminal of 30 × 120 in pty mode, and pipes otherwise", async () => {
    const script = "test -t 0 && stty size; test -t 1 && echo terminal; tty";
    const pty = await bed().sh("p2-pty", script, { mode: "pty" });
    assert.match(await allText(pty), /^30 120\r\nterminal\r\n\/dev\//);
    assert.equal(pty.live?.mode, "pty");
    const pipe = await bed().sh("p2-pipe", script, { mode: "pipe" });
    assert.equal(await allText(pipe), "not a tty\n");
  });

  it("P2: makes the child the leader of its own session and group, in the foreground of its terminal", async () => {
    const child = await bed().sh("leader", "cat /proc/self/stat; echo; read x", { mode: "pty" });
    const pid = pidOf(child);
    const [, , , , group, session, , foreground] = (await readFile(`/proc/${pid}/stat`, "utf8")).split(" ");
    assert.deepEqual([group, session, foreground], [String(pid), String(pid), String(pid)]);
    await child.kill({ graceMs: 100 });
  });

  it("P3: hands on file descriptors 0 to 2 and nothing else, ordinary signals, the spec's environment and a mark", async () => {
    const script = "ls /proc/self/fd | wc -l; grep -E '^Sig(Ign|Blk)' /proc/self/status; ulimit -S -c; umask; env";
    const child = await bed().sh("p3", script, {
      env: { PATH: "/usr/bin:/bin", GREETING: "a=b\nc", HEARTH_MARK: "no" },
    });
    const text = await allText(child);
    assert.match(text, /^4\n/); // 0 to 2, and the one ls reads its directory with
    assert.match(text, /SigBlk:\s0{16}\nSigIgn:\s0{16}\n0\n/);
    assert.match(text, new RegExp(`^0?${process.umask().toString(8).padStart(3, "0")}$`, "m"));
    assert.match(text, /^GREETING=a=b\nc$/m);
    assert.equal(text.match(/^HEARTH_MARK=[0-9a-f]{32}$/gm)?.length, 1);
    assert.doesNotMatch(text, /HEARTH_MARK=no/);
  });

  it("P4: records pid, start time and boot before the child runs", async () => {
    const child = await bed().sh("p4", "read x");
    const live = child.live;
    assert.ok(live);
    const stat = await readFile(`/proc/${live.pid}/stat`, "utf8");
    assert.equal(live.startTick, stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19]);
    assert.equal(live.bootId, (await readFile("/proc/sys/kernel/random/boot_id", "utf8")).trim());
    assert.equal(live.bestEffort, false);
    assert.equal(live.pidInside !== null, bed().wayIn !== undefined);
    await child.eof();
    await child.closed;
  });

  const failures = [
    ["a missing command", { argv: ["no-such-command-here"], env: { PATH: "/usr/bin:/bin" } }, "exec", "ENOENT"],
    ["a file that may not be executed", { argv: ["/etc/passwd"] }, "exec", "EACCES"],
    ["a directory that is gone", { cwd: "/nowhere/at/all" }, "cwd", "ENOENT"],
    ["an argument list that is too long", { argv: ["/bin/true", "x".repeat(200_000)] }, "exec", "E2BIG"],
  ] as const;
  for (const [what, more, step, errno] of failures)
    for (const mode of modes)
      it(`F18: a start that fails for ${what} is typed (${mode})`, async () => {
        const id = `f18-${step}-${errno}-${mode}`;
        const failure = await bed()
          .sh(id, "", { ...more, mode })
          .catch((error: unknown) => error);
        assert.ok(failure instanceof FailedStart, String(failure));
        assert.deepEqual([failure.step, failure.errno, failure.reason], [step, errno, "failed_start"]);
        await assert.rejects(stat(join(bed().childrenDir, id)), { code: "ENOENT" });
      });

  it("I3: an id starts at most once", async () => {
    const child = await bed().sh("once", "read x");
    await assert.rejects(
      bed().sh("once", "echo twice"),
      (error) => error instanceof FailedStart && error.errno === "EEXIST",
    );
    await assert.rejects(bed().keepers.forget("once"), StillRunning);
    await child.eof();
    await child.closed;
    await bed().keepers.forget("once");
    await assert.rejects(stat(child.dir), { code: "ENOENT" });
  });

  it("gives a shell script without a first line to the shell, as shells do", async () => {
    const file = join(bed().home, "script");
    await writeFile(file, "echo by the shell", { mode: 0o755 });
    const child = await bed().sh("script", "", { argv: [file] });
    assert.equal(await allText(child), "by the shell\n");
  });

  it("reaches a keeper whose socket path is longer than the system takes", async () => {
    const deep = await Bed.make(bed().binary, { childrenDir: join(bed().home, "d".repeat(120), "e".repeat(120)) });
    try {
      const child = await deep.sh("long", "echo far away");
      assert.equal(await allText(child), "far away\n");
    } finally {
      await deep[Symbol.asyncDispose]();
    }
  });
}

function talking(bed: () => Bed): void {
  for (const mode of modes)
    it(`P15: input reaches the child, and end-of-file ends it (${mode})`, async () => {
      const child = await bed().sh(`input-${mode}`, "while read line; do echo got $line; done; echo over; exit 4", {
        mode,
      });
      assert.equal(await child.write(Buffer.from("one\n")), 4);
      await until(child, "got one");
      await child.eof();
      const end = await child.exited;
      assert.equal(end.kind === "exited" && end.code, 4);
      assert.match(await allText(child), /over/);
      await assert.rejects(child.write(Buffer.from("late")), NotRunning);
      await assert.rejects(child.eof(), NotRunning);
      await assert.rejects(child.signal(15), NotRunning);
    });

  it("P15: end-of-file in the middle of a terminal's line is an end of file too", async () => {
    const child = await bed().sh("half", "cat", { mode: "pty" });
    await child.write(Buffer.from("half"));
    await child.eof();
    assert.equal((await child.exited).kind, "exited");
    assert.match(await allText(child), /half.*half/);
  });

  it("P15: takes 1 MiB for a child that does not read, says how much it took, and delivers exactly that", async () => {
    const child = await bed().sh("bounded", "mkfifo gate; echo ready; read x < gate; wc -c");
    await until(child, "ready");
    const taken = await child.write(Buffer.alloc(3 << 20, "x"));
    assert.ok(taken >= 1 << 20 && taken < 2 << 20, String(taken));
    assert.equal(await child.write(Buffer.from("more")), 0);
    await child.eof();
    await writeFile(join(bed().home, "work", "gate"), "open\n");
    assert.equal((await allText(child)).split("\n")[1]?.trim(), String(taken));
  });

  it("F49: of a line too long for a terminal in line mode it takes what the terminal can keep, and says so", async () => {
    const child = await bed().sh("canonical", "stty -echo; echo ready; head -n 1 | wc -c", { mode: "pty" });
    await until(child, "ready");
    assert.equal(await child.write(Buffer.alloc(10_000, "x")), 4095);
    assert.equal(await child.write(Buffer.from("\n")), 1);
    assert.match(await allText(child), /4096/);
    const raw = await bed().sh("raw", "stty raw -echo; echo ready; head -c 100000 | wc -c", { mode: "pty" });
    await until(raw, "ready");
    let sent = 0;
    for (const bytes = Buffer.alloc(100_000, "x"); sent < bytes.length; ) sent += await raw.write(bytes.subarray(sent));
    assert.match(await allText(raw), /100000/);
  });

  it("T4: a resize reaches the program", async () => {
    const script = "trap 'stty size' WINCH; echo ready; while :; do read x && break; done";
    const child = await bed().sh("resize", script, { mode: "pty", rows: 10, cols: 40 });
    await until(child, "ready");
    await child.resize(50, 160);
    await until(child, "50 160");
    await child.kill({ graceMs: 100 });
    const pipe = await bed().sh("no-size", "read x");
    await pipe.resize(1, 1);
    await pipe.kill({ graceMs: 100 });
  });

  it("a signal goes to the child's whole group", async () => {
    const child = await bed().sh(
      "group",
      "sh -c 'trap \"echo inner; exit\" USR1; echo ready; while :; do sleep 0.05; done'",
    );
    await until(child, "ready");
    await child.signal(constants.signals.SIGUSR1);
    const end = await child.exited;
    assert.equal(end.kind === "exited" && (end.signal ?? end.code), end.kind === "exited" && end.code === 0 ? 0 : 10);
  });
}

function output(bed: () => Bed): void {
  it("P7: keeps standard output and standard error in one order, and shows it at once", async () => {
    const child = await bed().sh(
      "order",
      "i=0; while [ $i -lt 300 ]; do echo o$i; echo e$i >&2; i=$((i+1)); done; read x",
    );
    const expected = Array.from({ length: 300 }, (_, i) => `o${i}\ne${i}\n`).join("");
    assert.equal(await until(child, "e299\n"), expected);
    await child.kill({ graceMs: 100 });
  });

  for (const mode of modes)
    it(`F17: every byte of 1 MB is there before the end is told, 20 times (${mode})`, async () => {
      for (let round = 0; round < 20; round++) {
        const child = await bed().sh(`f17-${mode}-${round}`, "head -c 1000000 /dev/zero; exit 5", { mode });
        const end = await child.exited;
        assert.deepEqual(end.kind === "exited" && [end.code, end.bytesAtExit], [5, 1_000_000]);
        assert.equal((await textSoFar(child)).length, 1_000_000);
        assert.equal((await child.closed).bytes, 1_000_000);
        await bed().keepers.forget(child.id);
      }
    });

  it("F35: bytes that are no text come out as they went in", async () => {
    const bytes = Buffer.from(Array.from({ length: 256 }, (_, i) => i));
    const child = await bed().sh("bytes", "cat");
    await child.write(bytes);
    await child.eof();
    assert.equal(await allText(child), bytes.toString("latin1"));
  });

  it("P8: keeps to its quota, drops the oldest first, and says which offset is the first one kept", async () => {
    const quotaBytes = 256 * 1024;
    const child = await bed().sh("quota", "i=100000; while [ $i -lt 300000 ]; do echo $i; i=$((i+1)); done", {
      quotaBytes,
    });
    const { bytes } = await child.closed;
    assert.equal(bytes, 200_000 * 7);
    const files = (await readdir(child.dir)).filter((file) => file.startsWith("spool."));
    const sizes = await Promise.all(files.map(async (file) => (await stat(join(child.dir, file))).size));
    const kept = sizes.reduce((sum, size) => sum + size, 0);
    assert.ok(kept <= quotaBytes && kept > quotaBytes * 0.8, String(kept));
    assert.equal(child.spool.firstKept, bytes - kept);
    await assert.rejects(
      child.spool.read(0, 10),
      (error) => error instanceof OffsetGone && error.firstKept === bytes - kept,
    );
    const lines = (await textSoFar(child)).split("\n");
    assert.equal(lines.at(-2), "299999");
    assert.equal(Number(lines.at(-2)) - Number(lines[1]), lines.length - 3);
  });

  it("many readers read the same bytes, each from where it is", async () => {
    const child = await bed().sh("readers", "i=0; while [ $i -lt 20000 ]; do echo line $i; i=$((i+1)); done");
    const follow = async (from: number): Promise<string> => {
      const parts: Buffer[] = [];
      for (let at = from; !child.spool.ended || at < child.spool.length; ) {
        const { bytes } = await child.spool.read(at, 10_000);
        parts.push(Buffer.from(bytes));
        at += bytes.length;
        await child.spool.grown(at, AbortSignal.timeout(60_000));
      }
      return Buffer.concat(parts).toString();
    };
    const expected = Array.from({ length: 20_000 }, (_, i) => `line ${i}\n`).join("");
    const texts = await Promise.all(Array.from({ length: 20 }, (_, reader) => follow(reader * 100)));
    for (const [reader, text] of texts.entries()) assert.equal(text, expected.slice(reader * 100));
  });

  it("P22, F14: an exit is told at once though a descendant holds the output, whose later bytes still come", async () => {
    const child = await bed().sh("p22", "mkfifo hold; (read x < hold; echo late) & echo now; exit 3");
    const end = await child.exited;
    assert.deepEqual(end.kind === "exited" && [end.code, end.bytesAtExit], [3, 4]);
    assert.equal(child.spool.ended, false);
    await writeFile(join(bed().home, "work", "hold"), "go\n");
    assert.deepEqual(await child.closed, { bytes: 9, stragglers: 0 });
    assert.equal(await textSoFar(child), "now\nlate\n");
  });

  it("P22: in a terminal too, for a descendant that does not die of the hangup", async () => {
    const script =
      "mkfifo hold2; (trap '' HUP; echo up; : > deaf; read x < hold2; echo late) & while ! test -e deaf; do sleep 0.02; done; exit 3";
    const child = await bed().sh("p22-pty", script, { mode: "pty" });
    const end = await child.exited;
    assert.equal(end.kind === "exited" && end.code, 3);
    await writeFile(join(bed().home, "work", "hold2"), "go\n");
    assert.match(await allText(child), /^up\r\nlate\r\n$/);
  });

  it("a child that closes all its outputs has not ended", async () => {
    const child = await bed().sh("silent", "exec >&- 2>&-; read x; exit 9");
    await child.write(Buffer.from("go\n"));
    const end = await child.exited;
    assert.equal(end.kind === "exited" && end.code, 9);
    const pty = await bed().sh("silent-pty", "exec >/dev/null 2>&1 </dev/null; echo still > /dev/tty; exit 9", {
      mode: "pty",
    });
    assert.equal(await allText(pty), "still\r\n");
  });
}
