import assert from "node:assert/strict";
import { getEventListeners } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import { SpoolReader } from "./spool-reader.ts";

describe("readers of one spool", () => {
  it("P8: at different places do not take each other's files away", async () => {
    const dir = await mkdtemp(join(tmpdir(), "hearth-spool-"));
    try {
      const size = 1 << 20;
      const segments = 4;
      for (let n = 0; n < segments; n++) await writeFile(join(dir, `spool.${n * size}`), Buffer.alloc(size, n));
      const spool = new SpoolReader(dir);
      spool.heard(segments * size);
      const reader = async (start: number) => {
        for (let step = 0; step < 200; step++) {
          const offset = ((start + step) % segments) * size + step;
          const { bytes } = await spool.read(offset, 1000);
          assert.equal(bytes[0], (start + step) % segments);
          if (step % 50 === 49) await spool.release();
        }
      };
      await Promise.all(Array.from({ length: segments }, (_, start) => reader(start)));
      await spool.release();
    } finally {
      await rm(dir, { recursive: true });
    }
  });

  it("P8: what came just now is read on past the end of a file, at once or not, into the reader's buffer or a new one", async () => {
    const dir = await mkdtemp(join(tmpdir(), "hearth-spool-"));
    try {
      await writeFile(join(dir, "spool.0"), "abcd");
      const spool = new SpoolReader(dir);
      spool.heard(4);
      const into = Buffer.alloc(3);
      const first = await spool.read(0, 100, into);
      assert.equal(first.bytes.toString(), "abc");
      assert.equal(first.bytes.buffer, into.buffer);
      assert.equal((await spool.read(3, 100)).bytes.toString(), "d");
      await writeFile(join(dir, "spool.4"), "efgh");
      spool.heard(8);
      assert.equal((await spool.read(4, 100, into)).bytes.toString(), "efg");
      assert.equal((await spool.read(2, 100)).bytes.toString(), "cd");
      await spool.release();
    } finally {
      await rm(dir, { recursive: true });
    }
  });

  it("P8: only what is fresh, kept and in the open file is to be had at once, and no more than there is", async () => {
    const dir = await mkdtemp(join(tmpdir(), "hearth-spool-"));
    try {
      const size = 1 << 20;
      await writeFile(join(dir, "spool.0"), Buffer.alloc(2 * size, "a"));
      const spool = new SpoolReader(dir);
      spool.heard(2 * size);
      const into = Buffer.alloc(1000);
      const now = (from: number) => spool.readNow(from, into);
      assert.equal(now(2 * size - 10), 0); // no file is open yet
      await spool.read(0, 1);
      assert.equal(now(2 * size - 10), 10);
      assert.equal(now(size + 10), 1000);
      assert.equal(now(2 * size), 0); // nothing there
      assert.equal(now(2 * size + 5), 0);
      assert.equal(now(10), 0); // long ago: perhaps no longer in memory
      assert.equal(spool.readNow(size, Buffer.alloc(512 * 1024)), 0); // much: it would take the loop too long
      spool.heard(2 * size + 4, size);
      assert.equal(now(2 * size), 0); // the disk has less than was said, or it is in the next file
      await writeFile(join(dir, `spool.${2 * size}`), "bbbb");
      assert.equal((await spool.read(2 * size, 100)).bytes.toString(), "bbbb");
      assert.equal(now(2 * size - 10), 0); // in the file before the open one
      spool.heard(2 * size + 4, 2 * size + 2);
      assert.equal(now(2 * size + 1), 0); // no longer kept
      assert.equal(now(2 * size + 2), 2);
      await spool.release();
      assert.equal(now(2 * size + 2), 0);
    } finally {
      await rm(dir, { recursive: true });
    }
  });

  it("P8: who waits for more is woken by it, by the end, or by giving up, and is listened to once however often it waits", async () => {
    const spool = new SpoolReader(tmpdir());
    const [gone, stays] = [new AbortController(), new AbortController()];
    const listeners = () => [gone, stays].map(({ signal }) => getEventListeners(signal, "abort").length);
    const isWaiting = (wait: Promise<void>) => Promise.race([wait.then(() => false), soon(true)]);
    for (let length = 1; length <= 100; length++) {
      const [first, second] = [spool.grown(length - 1, gone.signal), spool.grown(length - 1, stays.signal)];
      const further = spool.grown(length, stays.signal);
      spool.heard(length);
      await Promise.all([first, second]);
      assert.ok(await isWaiting(further));
    }
    assert.deepEqual(listeners(), [1, 1]);
    const leaving = [100, 5_000].map((after) => spool.grown(after, gone.signal));
    const kept = spool.grown(100, stays.signal);
    gone.abort();
    await Promise.all([...leaving, spool.grown(100, gone.signal)]);
    assert.ok(await isWaiting(kept));
    spool.finish(100);
    await Promise.all([kept, spool.grown(100, stays.signal)]);
  });
});

/** After all that promises have to do by now. */
const soon = <T>(value: T): Promise<T> => new Promise((resolve) => setImmediate(() => resolve(value)));
