import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, readFile, rm, statfs, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { event } from "./conformance.ts";
import type { EventLog } from "./event-log.ts";
import { canRun, need } from "./fixtures/need.ts";
import { openLog } from "./open.ts";

const appender = fileURLToPath(new URL("./fixtures/appender.ts", import.meta.url));

interface Run {
  child: ChildProcess;
  lines: string[];
  /** Resolves when so many lines of this kind have come, or the process has ended. */
  seen(kind: string, count: number): Promise<void>;
  ended: Promise<unknown>;
}

function run(command: string, args: string[]): Run {
  const child = spawn(command, args, { stdio: ["ignore", "pipe", "inherit"] });
  const lines: string[] = [];
  const waiting: { kind: string; count: number; resolve: () => void }[] = [];
  const input = createInterface({ input: child.stdout as NonNullable<typeof child.stdout> });
  const counts = new Map<string, number>();
  input.on("line", (line) => {
    lines.push(line);
    const kind = line.split(" ")[0] ?? "";
    counts.set(kind, (counts.get(kind) ?? 0) + 1);
    for (const { kind, count, resolve } of waiting) if ((counts.get(kind) ?? 0) >= count) resolve();
  });
  const ended = Promise.all([once(child, "exit"), once(input, "close")]);
  return {
    child,
    lines,
    ended,
    seen: (kind, count) =>
      Promise.race([
        new Promise<void>((resolve) => {
          waiting.push({ kind, count, resolve });
          if ((counts.get(kind) ?? 0) >= count) resolve();
        }),
        ended.then(() => undefined),
      ]),
  };
}

/** Every acknowledged event is there under its number; numbers are dense; appends are whole; views go with them. */
async function checkAcked(log: EventLog, lines: readonly string[]): Promise<void> {
  const last = new Map(await log.views("last"));
  for (const stream of ["a", "b"]) {
    const all = await log.read(stream, 0, 10_000_000);
    assert.deepEqual(
      all.map(({ seq }) => seq),
      all.map((_, i) => i + 1),
    );
    const acked = lines.map((line) => line.split(" ")).filter(([kind, where]) => kind === "acked" && where === stream);
    for (const [, , seq, id] of acked) assert.equal(all[Number(seq) - 1]?.id, id);
    assert.equal(all.length % 2, 0, "no half append");
    const final = all.at(-1);
    if (final?.type === "message.delta") assert.equal(last.get(stream), final.payload.text);
  }
}

describe("the log, when its process or its disk fails", () => {
  let home: string;
  before(async () => {
    home = await mkdtemp(join(tmpdir(), "hearth-crash-"));
  });
  after(() => rm(home, { recursive: true, force: true }));

  it("S14, I1, I2: loses nothing acknowledged and leaves no gap in ten kills", async () => {
    const lines: string[] = [];
    for (let round = 0; round < 10; round++) {
      const { child, seen, ended, lines: said } = run(process.execPath, [appender, home, `r${round}`]);
      await seen("acked", 1 + Math.floor(Math.random() * 2000));
      child.kill("SIGKILL");
      await ended;
      assert.ok(said.some((line) => line.startsWith("acked")));
      lines.push(...said);
      await using log = await openLog({ home });
      await checkAcked(log, lines);
    }
  });

  it(
    "F22: after a failed fsync it is read-only, and never calls the next fsync good",
    need("strace", canRun("strace", "-V")),
    async () => {
      const place = join(home, "f22");
      const trace = join(home, "trace");
      // Exactly one fsync fails: whoever tries again would succeed.
      const strace = [
        "-f",
        "-qq",
        "-e",
        "trace=fsync,fdatasync",
        "-e",
        "inject=fsync,fdatasync:error=EIO:when=40",
        "-o",
        trace,
      ];
      const { ended, lines } = run("strace", [...strace, process.execPath, appender, place, "x", "300", "2"]);
      await ended;
      const injected = (await readFile(trace, "utf8")).split("\n").filter((line) => line.includes("INJECTED"));
      assert.equal(injected.length, 1, "something was injected");
      const kinds = lines.map((line) => line.split(" ")[0]);
      const firstRefusal = kinds.indexOf("refused");
      assert.ok(firstRefusal > 0 && kinds.indexOf("acked") < firstRefusal);
      assert.ok(kinds.lastIndexOf("acked") < firstRefusal, "nothing is acknowledged after the failure");
      assert.deepEqual(
        new Set(lines.filter((line) => line.startsWith("refused"))),
        new Set(["refused storage_failed"]),
      );
      const acked = kinds.filter((kind) => kind === "acked").length;
      const read = lines.flatMap((line) => (line.startsWith("read ") ? [Number(line.split(" ")[2])] : []));
      assert.equal(read[0] && read[1] && read[0] + read[1], acked, "what was acknowledged is readable");
      assert.ok(kinds.includes("warning"));
      await using log = await openLog({ home: place });
      await checkAcked(log, lines);
      await log.append("a", [event("writable again"), event("after a new start")]);
    },
  );

  const mount = join(tmpdir(), `hearth-full-${process.pid}`);
  const canMount = process.getuid?.() === 0 && canRun("unshare", "--mount", "true");
  it(
    "F20: a full disk refuses appends, reads go on, and all is well once there is room",
    need("root, to mount a small disk", canMount),
    async () => {
      await mkdir(mount, { mode: 0o700 });
      assert.ok(canRun("mount", "-t", "tmpfs", "-o", "size=4m,mode=0700", "tmpfs", mount));
      try {
        const ballast = join(mount, "ballast");
        await using log = await openLog({ home: mount });
        const { bavail, bsize } = await statfs(mount);
        await writeFile(ballast, Buffer.alloc(bavail * bsize - 1_500_000));
        let acked = 0;
        const big = (n: number) => event(`${n}`, "x".repeat(20_000));
        await assert.rejects(
          async () => {
            for (;;) {
              await log.append("a", [big(acked)]);
              acked++;
            }
          },
          { reason: "storage_full", status: 507 },
        );
        assert.ok(acked > 0);
        assert.equal((await log.read("a", 0, 1000)).length, acked);
        await assert.rejects(log.append("a", [big(acked)]), { reason: "storage_full" });
        await truncate(ballast, 0);
        assert.equal((await log.append("a", [big(acked)]))[0]?.seq, acked + 1);
        assert.equal((await log.read("a", 0, 1000)).length, acked + 1);
      } finally {
        canRun("umount", mount);
        await rm(mount, { recursive: true, force: true });
      }
    },
  );
});
