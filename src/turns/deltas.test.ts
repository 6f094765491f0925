import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { LogBehind } from "../log/event-log.ts";
import { Deltas } from "./deltas.ts";

describe("streamed text on its way into the log", () => {
  it("S15: of a log that fails while nobody waits hears whoever comes next, and nothing is left unheard", async () => {
    const failed = Promise.withResolvers<never>();
    const deltas = new Deltas("turn_1", "msg_1", () => failed.promise);
    await deltas.add("message.delta", "one");
    failed.reject(new LogBehind(100_000));
    await new Promise((resolve) => setImmediate(resolve)); // an unheard rejection would end the host here, and this test
    await assert.rejects(deltas.settled(), LogBehind);
    await assert.rejects(deltas.add("message.delta", "two"), LogBehind);
  });
});
