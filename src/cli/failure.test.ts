import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { RpcError } from "../client/client.ts";
import { ConfigRefused } from "../config/settings.ts";
import { CliError, EXIT, exitCodeOf, outcomeOf } from "./failure.ts";

describe("the exit code of hearth", () => {
  it("is the process's own, 128 + n for signal n, and 1 for one that was lost", () => {
    assert.deepEqual([0, 7, 255, -9, -15, null].map(exitCodeOf), [0, 7, 255, 137, 143, 1]);
  });

  it("A01: is 78 for a refused configuration", () => {
    assert.deepEqual(outcomeOf(new ConfigRefused("no")), { message: "no", exitCode: EXIT.refused });
  });

  it("is 1 with the host's own sentence for its errors, and 2 for wrong use", () => {
    const error = {
      code: -32001,
      message: "There is no process x.",
      data: { reason: "process_not_found", status: 404 },
    } as const;
    assert.deepEqual(outcomeOf(new RpcError(error)), { message: "There is no process x.", exitCode: 1 });
    assert.deepEqual(outcomeOf(new CliError("say something", EXIT.usage)), { message: "say something", exitCode: 2 });
  });

  it("names the commands where the host names its methods", () => {
    const message = 'There is no process "x": process.list shows those there are';
    const error = { code: -32001, message, data: { reason: "process_not_found", status: 404 } } as const;
    assert.match(outcomeOf(new RpcError(error))?.message ?? "", /: `hearth ps --all` shows those there are$/);
    const quoted = new RpcError({ ...error, message: "It does not run: `process.list` shows what does." });
    assert.equal(outcomeOf(quoted)?.message, "It does not run: `hearth ps --all` shows what does.");
  });

  it("hides no error that is ours", () => {
    assert.equal(outcomeOf(new TypeError("x is not a function")), undefined);
    assert.equal(outcomeOf("text"), undefined);
  });
});
