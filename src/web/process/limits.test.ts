import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { limitsNote } from "./limits.ts";

describe("the board", () => {
  it("A49: says where limits are not enforced, and why", () => {
    assert.equal(limitsNote({ kind: "cgroup2", controllers: ["memory", "cpu", "pids"] }), null);
    assert.equal(
      limitsNote({ kind: "none", controllers: [], why: "this machine has no control groups" }),
      "Limits of memory, processors and processes are not enforced here: this machine has no control groups. hearth doctor says what to do.",
    );
    assert.match(
      limitsNote({ kind: "cgroup1", controllers: ["pids"], why: "no memory" }) ?? "",
      /^Some limits are not/,
    );
  });
});
