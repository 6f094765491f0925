import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { noHostOn, noneRunsOn } from "./no-host.ts";

describe("a command that finds no host", () => {
  it("says how to start one", () => {
    for (const env of [{}, { HEARTH_HOME: "/h" }, { HEARTH_HOME: "/h", HEARTH_TERMINAL: "1" }])
      assert.equal(noHostOn("/h", env), "No host runs on /h: start one with `hearth up`.");
    assert.equal(noneRunsOn("/h", {}), "No host runs on /h.");
  });

  it("T3, P3: says in a host's terminal or process that its home has to be named there", () => {
    for (const env of [{ HEARTH_TERMINAL: "1" }, { HEARTH_MARK: "m" }, { HEARTH_TERMINAL: "1", HEARTH_HOME: "" }])
      for (const said of [noHostOn("/h", env), noneRunsOn("/h", env)])
        assert.match(said, /^No host runs on \/h\. .*set HEARTH_HOME/);
  });
});
