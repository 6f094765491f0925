import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { limitsFrom } from "./run-limits.ts";

describe("limits on the command line", () => {
  it("A49: are written as people write them, and a wrong one says what is allowed", () => {
    assert.equal(limitsFrom({}), undefined);
    assert.deepEqual(limitsFrom({ memory: "512MiB", cpus: "1.5", pids: "100" }), {
      memory_bytes: 2 ** 29,
      cpus: 1.5,
      pids: 100,
    });
    assert.deepEqual(limitsFrom({ memory: "1073741824" }), { memory_bytes: 2 ** 30 });
    for (const memory of ["512m", "512M", "512mb", "512 MiB"])
      assert.deepEqual(limitsFrom({ memory }), { memory_bytes: 2 ** 29 }, memory);
    assert.throws(() => limitsFrom({ memory: "much" }), /--memory much is no limit: it takes a number of bytes/);
    assert.throws(() => limitsFrom({ pids: "1.5" }), /--pids 1.5 is no limit: it takes a whole number/);
    assert.throws(() => limitsFrom({ cpus: "0" }), /--cpus 0 is no limit: it takes a number/);
  });
});
