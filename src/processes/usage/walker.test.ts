import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { describe, it } from "node:test";
import fc from "fast-check";
import { parseListening, parseStat } from "./proc.ts";
import { Walker } from "./walker.ts";

interface Fake {
  name?: string;
  state?: string;
  parent: number;
  ticks?: number;
  childTicks?: number;
  pages?: number;
  start?: number;
  sockets?: number[];
}

/** A tree of files such as the kernel shows. */
class FakeProc implements AsyncDisposable {
  readonly root: string;
  private constructor(root: string) {
    this.root = root;
  }
  static async make(): Promise<FakeProc> {
    const root = await mkdtemp(path.join(tmpdir(), "hearth-proc-"));
    await mkdir(path.join(root, "net"));
    await mkdir(path.join(root, "self"));
    await writeFile(path.join(root, "uptime"), "1 1");
    return new FakeProc(root);
  }
  async set(pid: number, o: Fake): Promise<void> {
    const { name = "sh", state = "S", parent, ticks = 0, childTicks = 0, pages = 10, start = pid, sockets = [] } = o;
    const folder = path.join(this.root, String(pid));
    await rm(folder, { recursive: true, force: true });
    await mkdir(path.join(folder, "fd"), { recursive: true });
    const fields = [
      state,
      parent,
      1,
      1,
      0,
      -1,
      0,
      0,
      0,
      0,
      0,
      ticks,
      0,
      childTicks,
      0,
      20,
      0,
      2,
      0,
      start,
      0,
      pages,
      0,
    ];
    await writeFile(path.join(folder, "stat"), `${pid} (${name}) ${fields.join(" ")}\n`);
    for (const [at, inode] of sockets.entries())
      await symlink(`socket:[${inode}]`, path.join(folder, "fd", String(at)));
  }
  async end(pid: number): Promise<void> {
    await rm(path.join(this.root, String(pid)), { recursive: true });
  }
  async listen(...sockets: { local: string; inode: number; state?: string }[]): Promise<void> {
    const rows = sockets.map(
      ({ local, inode, state = "0A" }, at) =>
        `   ${at}: ${local} 00000000:0000 ${state} 00000000:00000000 00:00000000 00000000  1000        0 ${inode} 1 0000000000000000 100 0 0 10 0`,
    );
    await writeFile(path.join(this.root, "net", "tcp"), `  sl  local_address …\n${rows.join("\n")}\n`);
  }
  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.root, { recursive: true });
  }
}

const subject = { id: "proc_a", keeperPid: 100, pid: 101, startTick: "101" };

describe("what the system tells about processes", () => {
  it("T16: a tree is all that descends from its keeper, also what a daemon has left there", async () => {
    await using proc = await FakeProc.make();
    await proc.set(1, { parent: 0 });
    await proc.set(100, { parent: 1, name: "keeper", pages: 99 });
    await proc.set(101, { parent: 100, pages: 10 });
    await proc.set(102, { parent: 101, pages: 20 });
    await proc.set(103, { parent: 100, name: "daemon", pages: 30 });
    await proc.set(104, { parent: 101, state: "Z", pages: 0 });
    await proc.set(200, { parent: 1, pages: 1000 });
    const { sample, tree } = new Walker(proc.root).sample([subject], "proc_a");
    const [used] = sample.used;
    assert.deepEqual(
      [used?.memory_bytes, used?.processes, used?.threads, used?.cpu],
      [60 * 4096, 3, 6, null],
      "the keeper is ours, a zombie is nothing any more",
    );
    assert.deepEqual(
      tree?.map(({ pid }) => pid),
      [101, 103, 102, 104],
    );
  });

  it("T16: processor time is counted once, also of processes that have ended in between", async () => {
    await using proc = await FakeProc.make();
    let now = 0;
    const walker = new Walker(proc.root, () => now);
    await proc.set(100, { parent: 1 });
    await proc.set(101, { parent: 100, ticks: 50 });
    await proc.set(102, { parent: 101, ticks: 400 });
    assert.equal(walker.sample([subject]).sample.used[0]?.cpu, null, "nothing to compare with");
    // 102 used 100 more, ended, and was waited for by 101, which itself used 50.
    await proc.set(101, { parent: 100, ticks: 100, childTicks: 500 });
    await proc.end(102);
    now += 1000;
    const { sample } = walker.sample([subject]);
    assert.deepEqual([sample.used[0]?.cpu, sample.interval_ms], [1.5, 1000]);
    now += 100;
    assert.equal(walker.sample([subject]).sample.interval_ms, 100);
    now += 1900;
    assert.equal(walker.sample([subject]).sample.interval_ms, 2000, "a look too soon after another is no beginning");
  });

  it("T16: a number that is another process's by now shows nothing of that one", async () => {
    await using proc = await FakeProc.make();
    await proc.set(100, { parent: 1 });
    await proc.set(101, { parent: 100, start: 999 });
    assert.deepEqual(new Walker(proc.root).sample([subject]).sample.used, []);
    assert.deepEqual(new Walker(proc.root).sample([{ ...subject, pid: 7, keeperPid: 6 }]).sample.used, []);
  });

  it("T16: ports are those whose sockets a tree has open, and a new one is found", async () => {
    await using proc = await FakeProc.make();
    await proc.set(100, { parent: 1 });
    await proc.set(101, { parent: 100, sockets: [11] });
    await proc.set(200, { parent: 1, sockets: [12] });
    await proc.listen({ local: "0100007F:1F90", inode: 11 }, { local: "00000000:0016", inode: 12 });
    const walker = new Walker(proc.root);
    const ports = () => walker.sample([subject]).sample.used[0]?.listening;
    assert.deepEqual(ports(), [{ address: "127.0.0.1", port: 8080 }]);
    await proc.set(102, { parent: 101, sockets: [13] });
    await proc.listen(
      { local: "0100007F:1F90", inode: 11 },
      { local: "00000000:0BB8", inode: 13 },
      { local: "0100007F:1234", inode: 14, state: "01" },
    );
    assert.deepEqual(ports(), [
      { address: "0.0.0.0", port: 3000 },
      { address: "127.0.0.1", port: 8080 },
    ]);
    await proc.listen();
    assert.deepEqual(ports(), []);
  });

  it("T16: addresses are written as people write them", () => {
    const at = (local: string) => [...parseListening(`head\n 0: ${local} x 0A 0 0 0 0 0 7 1`).values()][0]?.address;
    assert.equal(at("00000000000000000000000001000000:0050"), "::1");
    assert.equal(at("00000000000000000000000000000000:0050"), "::");
    assert.equal(at("0000000000000000FFFF00000100007F:0050"), "127.0.0.1");
    assert.equal(at("B80D0120000000000000000001000000:0050"), "2001:db8::1");
    assert.equal(at("nonsense:0050"), undefined);
  });

  it("T16: a process may call itself anything", () => {
    const stat = parseStat("12 (a) R 1 (\n)) S 7 1 1 0 -1 0 0 0 0 0 3 4 5 6 20 0 1 0 88 0 9 0");
    assert.deepEqual([stat?.name, stat?.parent, stat?.ticks, stat?.childTicks], ["a) R 1 (\n)", 7, 7, 11]);
    fc.assert(fc.property(fc.string(), (text) => void parseStat(text)));
    fc.assert(fc.property(fc.string(), (text) => void parseListening(text)));
  });
});
