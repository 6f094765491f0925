// A full disk stops nobody for ever and loses nothing; a machine without terminals still runs commands.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { promisify } from "node:util";
import { allText, Bed, binaries, OtherHost, textSoFar } from "../../src/keeper/testing/bed.ts";
import { eventually } from "../support/eventually.ts";

const run = promisify(execFile);

/** Runs `body` on a file system of 2 MB; skips where that cannot be had, unless every test must run. */
async function onSmallDisk(t: TestContext, body: (dir: string) => Promise<void>): Promise<void> {
  const dir = await mkdtemp(join(tmpdir(), "hearth-small-"));
  try {
    await run("mount", ["-t", "tmpfs", "-o", "size=2m,mode=700", "tmpfs", dir]);
  } catch (error) {
    await rm(dir, { recursive: true });
    if (process.env.HEARTH_TEST_ALL === "1" && process.getuid?.() === 0) throw error;
    t.skip("a small file system needs root and mount");
    return;
  }
  try {
    await body(dir);
  } finally {
    await run("umount", ["-l", dir]);
    await rm(dir, { recursive: true });
  }
}

async function fill(dir: string): Promise<string> {
  const ballast = join(dir, "ballast");
  await writeFile(ballast, Buffer.alloc(4 << 20)).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "ENOSPC") throw error;
  });
  return ballast;
}

describe("a full disk", () => {
  for (const mode of ["pipe", "pty"] as const)
    it(`F21: the end is recorded, the child waits, and nothing is lost once there is room (${mode})`, async (t) => {
      await onSmallDisk(t, async (dir) => {
        const bed = await Bed.make(await binaries.ordinary(), { childrenDir: join(dir, "children") });
        try {
          // "quiet" ends while the disk is full; "loud" has more to say than any buffer takes, and must wait.
          const quiet = await bed.sh("quiet", "read x; echo last words; exit 7", { mode });
          const script =
            "stty -echo 2>/dev/null; read x; i=100000; while [ $i -lt 220000 ]; do echo $i; i=$((i+1)); done; exit 8";
          const loud = await bed.sh("loud", script, { mode });
          const ballast = await fill(dir);
          for (const child of [quiet, loud]) await child.write(Buffer.from("go\n"));
          const end = await quiet.exited;
          assert.equal(end.kind === "exited" && end.code, 7);
          assert.equal(loud.end, undefined);
          assert.equal(quiet.spool.ended, false);
          await rm(ballast);
          assert.match(await allText(quiet), /last words\r?\n$/);
          assert.equal(quiet.spool.length, end.kind === "exited" && end.bytesAtExit);
          const loudEnd = await loud.exited;
          assert.equal(loudEnd.kind === "exited" && loudEnd.code, 8);
          const expected = Array.from({ length: 120_000 }, (_, i) => `${100_000 + i}\n`).join("");
          assert.ok((await allText(loud)).replaceAll("\r", "").endsWith(expected));
        } finally {
          await bed[Symbol.asyncDispose]();
        }
      });
    });

  it("F21: a host that was killed meanwhile finds the end all the same", async (t) => {
    await onSmallDisk(t, async (dir) => {
      const bed = await Bed.make(await binaries.ordinary(), { childrenDir: join(dir, "children") });
      try {
        const child = await bed.sh("f21", "read x; exit 9");
        await fill(dir);
        await child.write(Buffer.from("go\n"));
        const found = (await (await bed.reopen()).adopt()).find((one) => "child" in one);
        assert.ok(found !== undefined && "child" in found);
        const end = await found.child.exited;
        assert.equal(end.kind === "exited" && end.code, 9);
        assert.equal(await textSoFar(found.child), "");
      } finally {
        await bed[Symbol.asyncDispose]();
      }
    });
  });

  it("F18: a start on a full disk fails by name and leaves nothing", async (t) => {
    await onSmallDisk(t, async (dir) => {
      const bed = await Bed.make(await binaries.ordinary(), { childrenDir: join(dir, "children") });
      try {
        const ballast = await fill(dir);
        await assert.rejects(bed.sh("full", "true"), { reason: "failed_start", errno: "ENOSPC" });
        await rm(ballast);
        assert.deepEqual(await bed.keepers.adopt(), []);
        assert.equal(await allText(await bed.sh("full", "echo room")), "room\n");
      } finally {
        await bed[Symbol.asyncDispose]();
      }
    });
  });
});

describe("a machine without terminals", () => {
  it("P2: falls back to a pipe where that was asked for, says so, and fails by name where it was not", async (t) => {
    const hide = 'mount --bind /dev/null /dev/ptmx && exec "$@"';
    const isolated = process.getuid?.() === 0 ? ["unshare", "-m"] : ["unshare", "-Urm"];
    const possible = await run(isolated[0] ?? "", [...isolated.slice(1), "sh", "-c", hide, "sh", "true"]).then(
      () => true,
      () => false,
    );
    if (!possible) {
      if (process.env.HEARTH_TEST_ALL === "1" && process.getuid?.() === 0) assert.fail("unshare and mount are missing");
      t.skip("hiding the terminals needs unshare and mount");
      return;
    }
    await using bed = await Bed.make(await binaries.ordinary());
    await mkdir(join(bed.home, "x"));
    const specs = [
      bed.spec("fallback", "echo plain; exit 3", { mode: "pty", ptyFallback: true }),
      bed.spec("strict", "echo plain", { mode: "pty" }),
    ];
    const host = new OtherHost(bed, specs, [...isolated, "sh", "-c", hide, "sh"]);
    await host.says("ready");
    await host.says("started fallback pipe");
    await host.says("failed strict pty");
    await host.kill();
    const found = (await bed.keepers.adopt()).find((one) => "child" in one);
    assert.ok(found !== undefined && "child" in found);
    assert.equal(found.child.live?.mode, "pipe");
    assert.equal(await allText(found.child), "plain\n");
    await eventually("it has ended", () => found.child.end !== undefined);
  });
});
