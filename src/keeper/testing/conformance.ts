// What every keeper binary must do, whichever way it was built. Each case drives the real one.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { readdir, readFile, stat, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { constants } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { FailedStart, NotRunning, OffsetGone, StillRunning } from "../keepers.ts";
import { Link } from "../link.ts";
import { decodeIntent } from "../records.ts";
import type { Child } from "../types.ts";
import { alive, allText, Bed, eventually, isAlive, processes, textSoFar, until } from "./bed.ts";

const modes = ["pipe", "pty"] as const;

async function secretOf(child: Child): Promise<string> {
  return decodeIntent(await readFile(join(child.dir, "armed")))?.secret ?? "";
}

/** Registers the suite under `name`. */
export function conformance(name: string, binary: () => Promise<string>): void {
  describe(name, () => {
    let bed: Bed;
    before(async () => {
      bed = await Bed.make(await binary());
    });
    after(async () => {
      const ids = await readdir(bed.childrenDir);
      const files = await Promise.all(ids.map((id) => readdir(join(bed.childrenDir, id)).catch(() => [])));
      const reports = files.flat().filter((file) => file.startsWith("sanitizer"));
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
    const { pid = 0 } = child.live ?? {};
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
    await child.eof();
    await child.closed;
  });

  const failures = [
    ["a missing command", { argv: ["no-such-command-here"] }, "exec", "ENOENT"],
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
        await child.spool.grown(at, AbortSignal.timeout(15_000));
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
      "mkfifo hold2; (trap '' HUP; echo up; read x < hold2; echo late) & while ! test -e hold2; do :; done; sleep 0.1; exit 3";
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

function ending(bed: () => Bed): void {
  it("F16: tells every exit code exactly", async () => {
    const codes = Array.from({ length: 256 }, (_, code) => code);
    const children = await Promise.all(codes.map((code) => bed().sh(`code-${code}`, `exit ${code}`)));
    const ends = await Promise.all(children.map((child) => child.exited));
    assert.deepEqual(
      ends.map((end) => end.kind === "exited" && [end.code, end.signal, end.core]),
      codes.map((code) => [code, null, false]),
    );
  });

  it("F16: tells every deadly signal exactly", async () => {
    const deadly = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 24, 25, 26, 27, 29, 30, 31];
    const children = await Promise.all(deadly.map((n) => bed().sh(`signal-${n}`, `kill -${n} $$; sleep 60`)));
    const ends = await Promise.all(children.map((child) => child.exited));
    assert.deepEqual(
      ends.map((end) => end.kind === "exited" && [end.code, end.signal]),
      deadly.map((n) => [null, n]),
    );
  });

  it("P20: ends the whole tree, escapees included, and leaves nobody", async () => {
    const tag = `301.${process.pid}`;
    const script = [
      `setsid sleep ${tag}1 &`,
      `( ( sleep ${tag}2 & ) & )`,
      `env -i setsid sleep ${tag}3 &`,
      `env -i setsid sh -c 'sleep ${tag}4 & exit' <&- >&- 2>&- &`,
      `(trap '' TERM HUP; sleep ${tag}5; sleep ${tag}6) &`,
      "echo ready; wait; sleep 60",
    ].join("\n");
    const child = await bed().sh("p20", script);
    await until(child, "ready");
    await eventually("five sleepers", async () => (await alive(`sleep ${tag}`)).length >= 5);
    await child.kill({ graceMs: 300 });
    assert.deepEqual(await alive(`sleep ${tag}`), []);
    const end = await child.exited;
    assert.equal(end.kind === "exited" && end.signal, 15);
    await child.closed;
  });

  it("P20: TERM first: a program that catches it ends by itself, with its own code", async () => {
    const child = await bed().sh("polite", "trap 'echo bye; exit 0' TERM; echo ready; while :; do sleep 0.05; done");
    await until(child, "ready");
    await child.kill({ graceMs: 10_000 });
    const end = await child.exited;
    assert.deepEqual(end.kind === "exited" && [end.code, end.signal], [0, null]);
    assert.match(await allText(child), /bye/);
  });

  it("F15: a child that ignores TERM, or is stopped, is killed after the grace", async () => {
    const deaf = await bed().sh("deaf", "trap '' TERM; echo ready; while :; do sleep 0.05; done");
    await until(deaf, "ready");
    await deaf.kill({ graceMs: 50 });
    const end = await deaf.exited;
    assert.equal(end.kind === "exited" && end.signal, 9);
    const stopped = await bed().sh(
      "stopped",
      "trap 'exit 6' TERM; echo ready; kill -STOP $$; while :; do sleep 0.05; done",
    );
    await until(stopped, "ready");
    const { pid = 0 } = stopped.live ?? {};
    await eventually("it is stopped", async () => (await readFile(`/proc/${pid}/stat`, "utf8")).includes(") T "));
    await stopped.kill({ graceMs: 10_000 });
    const woken = await stopped.exited;
    assert.equal(woken.kind === "exited" && woken.code, 6);
  });

  it("P20: a grace of 0 sends the signal and does not insist", async () => {
    const child = await bed().sh("grace0", "trap 'echo asked' TERM; echo ready; while :; do sleep 0.05; done");
    await until(child, "ready");
    await child.kill({ graceMs: 0 });
    await until(child, "asked");
    assert.equal(child.end, undefined);
    await Promise.all([child.kill({ graceMs: 50 }), child.kill({ graceMs: 20 }), child.kill({ graceMs: 5_000 })]);
    assert.equal((await child.exited).kind, "exited");
  });

  it("T10: a terminal is told by SIGHUP first", async () => {
    const child = await bed().sh("hup", "trap 'echo hung up; exit 1' HUP; echo ready; while :; do sleep 0.05; done", {
      mode: "pty",
    });
    await until(child, "ready");
    await child.kill({ graceMs: 10_000, firstSignal: constants.signals.SIGHUP });
    assert.match(await allText(child), /hung up/);
  });

  it("P20: killing a child that has ended ends its stragglers", async () => {
    const tag = `302.${process.pid}`;
    const child = await bed().sh("stragglers", `setsid sleep ${tag} >/dev/null 2>&1 </dev/null & exit 0`);
    assert.equal((await child.closed).stragglers, 1);
    await assert.rejects(bed().keepers.forget("stragglers"), StillRunning);
    assert.equal((await alive(`sleep ${tag}`)).length, 1);
    await child.kill({ graceMs: 100 });
    assert.deepEqual(await alive(`sleep ${tag}`), []);
    await bed().keepers.forget("stragglers");
  });

  it("F13: leaves no zombie, neither of its own nor of those it inherits", async () => {
    const script = "i=0; while [ $i -lt 300 ]; do (true &); i=$((i+1)); done; echo done; read x";
    const child = await bed().sh("zombies", script);
    await until(child, "done");
    const { keeperPid = 0 } = child.live ?? {};
    await eventually("no zombie", async () => {
      const ours = (await processes()).filter((one) => one.parent === keeperPid);
      return ours.length === 1 && ours.every((one) => one.state !== "Z");
    });
    await child.eof();
    await child.closed;
    await eventually("the keeper has left", async () => !(await isAlive(keeperPid)));
  });
}

function trusting(bed: () => Bed): void {
  it("serves eight hosts at once", async () => {
    const child = await bed().sh("eight", "read x; echo $x; exit 2");
    const secret = await secretOf(child);
    const links = await Promise.all(Array.from({ length: 8 }, () => Link.open(child.dir, secret, 5_000)));
    const hearing = links.map(({ link }) => {
      const told: string[] = [];
      const over = Promise.withResolvers<string[]>();
      link.listen({
        grew: () => told.push("grew"),
        exited: () => told.push("exited"),
        closed: () => told.push("closed"),
        gone: () => over.resolve(told),
      });
      return over.promise;
    });
    await child.write(Buffer.from("hello\n"));
    const heard = await Promise.all(hearing);
    for (const told of heard) {
      assert.deepEqual(
        told.filter((word) => word !== "grew"),
        ["exited", "closed"],
      );
      assert.ok(told.includes("grew"));
    }
  });

  it("A50: without the secret nobody is let in, the attempts are counted and reported, and the hosts are not disturbed", async () => {
    const child = await bed().sh("guarded", "read x; echo $x");
    const knock = (bytes: Buffer) =>
      new Promise<number>((resolve, reject) => {
        let heard = 0;
        const socket = connect(join(child.dir, "sock"), () => socket.write(bytes));
        socket.on("data", (chunk) => (heard += chunk.length));
        socket.on("error", reject);
        socket.on("close", () => resolve(heard));
      });
    const wrong = Buffer.concat([Buffer.from([1, 0, 0, 0, 64]), Buffer.alloc(64, "f")]);
    const withoutHello = Buffer.from([6, 0, 0, 0, 9, 0, 0, 0, 1, 9, 0, 0, 0, 1]);
    const tooLong = Buffer.from([1, 0xff, 0xff, 0xff, 0xff]);
    for (const bytes of [wrong, withoutHello, wrong, tooLong]) assert.equal(await knock(bytes), 0);
    await eventually("it is reported", () => bed().warnings.some((text) => /guarded: 3 attempts/.test(text)));
    await child.write(Buffer.from("undisturbed\n"));
    assert.equal(await allText(child), "undisturbed\n");
  });

  it("A50: strangers who say nothing do not keep a host out", async () => {
    const child = await bed().sh("crowd", "read x");
    const crowd = Array.from({ length: 40 }, () => connect(join(child.dir, "sock")).on("error", () => undefined));
    const { link } = await Link.open(child.dir, await secretOf(child), 5_000);
    link.close();
    for (const socket of crowd) socket.destroy();
    await child.kill({ graceMs: 100 });
  });

  it("A51: an exit record that the child forged is not believed", async () => {
    const forge =
      "printf 'kind=exited\\ncode=0\\ncore=0\\nended=1\\nbytes=0\\nmac=%064d\\nend\\n' 0 > ../children/forger/exit";
    const child = await bed().sh("forger", `${forge}; echo done; read x`);
    await until(child, "done");
    process.kill(child.live?.keeperPid ?? 0, "SIGKILL");
    assert.deepEqual(await child.exited, { kind: "lost", reason: "status_untrusted" });
    assert.equal(await isAlive(child.live?.pid ?? 0), false);
  });

  it("a keeper that is asked to end by TERM ends its tree and records the truth", async () => {
    const child = await bed().sh("asked", "trap 'exit 12' TERM; echo ready; while :; do sleep 0.05; done");
    await until(child, "ready");
    process.kill(child.live?.keeperPid ?? 0, "SIGTERM");
    const end = await child.exited;
    assert.equal(end.kind === "exited" && end.code, 12);
  });

  it("a keeper outlives its launcher, and a dead launcher is replaced", async () => {
    const child = await bed().sh("outlives", "read x; echo $x");
    const before = bed().keepers.launcherPid ?? 0;
    process.kill(before, "SIGKILL");
    const next = await bed().sh("next", "echo next");
    assert.equal(await allText(next), "next\n");
    assert.notEqual(bed().keepers.launcherPid, before);
    await child.write(Buffer.from("here\n"));
    assert.equal(await allText(child), "here\n");
  });

  it("A42: nothing secret stands on a command line or in the environment of launcher and keeper", async () => {
    const child = await bed().sh("quiet", "read x");
    const secret = await secretOf(child);
    for (const pid of [child.live?.keeperPid, bed().keepers.launcherPid]) {
      const seen = await Promise.all(["cmdline", "environ"].map((file) => readFile(`/proc/${pid}/${file}`, "utf8")));
      assert.ok(!seen.join().includes(secret));
      assert.equal(seen[1], "");
    }
    const lister = spawn("ps", ["-eo", "args"], { stdio: ["ignore", "pipe", "ignore"] });
    let listed = "";
    for await (const chunk of lister.stdout) listed += String(chunk);
    assert.ok(!listed.includes(secret));
    await child.kill({ graceMs: 100 });
  });
}
