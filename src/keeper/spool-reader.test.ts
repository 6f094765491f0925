import assert from "node:assert/strict";
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
});
