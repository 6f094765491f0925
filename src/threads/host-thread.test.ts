import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { enableCompileCache, getCompileCacheDir } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import { hostThread } from "./host-thread.ts";

const telling = `import { getCompileCacheDir } from "node:module";
  import { parentPort } from "node:worker_threads";
  parentPort.postMessage({ names: Object.keys(process.env), cache: getCompileCacheDir() });`;

describe("a thread of the host's", () => {
  it("N10: has the host's compile cache, and no other variable of the host's", async () => {
    const folder = await mkdtemp(join(tmpdir(), "hearth-threads-"));
    enableCompileCache(folder);
    const thread = hostThread(new URL(`data:text/javascript,${encodeURIComponent(telling)}`), { name: "telling" });
    const [said] = await once(thread, "message");
    await thread.terminate();
    await rm(folder, { recursive: true });
    assert.deepEqual(said, { names: ["NODE_COMPILE_CACHE"], cache: getCompileCacheDir() });
    assert.ok(said.cache?.startsWith(folder));
  });
});
