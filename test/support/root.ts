// For tests that need more than a file system: root, mounts, tools of the system. Where these are missing a test is skipped
// and says why; on a machine where every test must run (HEARTH_TEST_ALL=1), it fails instead.
import { spawnSync } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";

export const isRoot = process.getuid?.() === 0;

export function canRun(program: string, ...args: string[]): boolean {
  return spawnSync(program, args, { stdio: "ignore" }).status === 0;
}

/** False: the test is skipped. */
export function mayRun(t: TestContext, what: string, possible: boolean): boolean {
  if (possible) return true;
  if (process.env.HEARTH_TEST_ALL === "1" && isRoot) throw new Error(`This test needs ${what}`);
  t.skip(`needs ${what}`);
  return false;
}

/** A directory on a file system of its own, of `size` bytes, gone when disposed. */
export class SmallDisk implements AsyncDisposable {
  readonly path: string;
  private constructor(path: string) {
    this.path = path;
  }

  /** Undefined where it cannot be had. */
  static async mount(size: number): Promise<SmallDisk | undefined> {
    const path = await mkdtemp(join(tmpdir(), "hearth-small-"));
    if (canRun("mount", "-t", "tmpfs", "-o", `size=${size},mode=700`, "tmpfs", path)) return new SmallDisk(path);
    await rm(path, { recursive: true });
    return undefined;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    canRun("umount", "-l", this.path);
    await rm(this.path, { recursive: true, force: true });
  }
}
