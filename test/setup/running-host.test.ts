import { describe, it } from "node:test";
import { RunningHost } from "../support/running-host.ts";

describe("a host of a test", () => {
  it("that ended without a word, and nobody has heard of it yet, keeps no test waiting", {
    timeout: 20_000,
  }, async () => {
    const host = await RunningHost.start();
    process.kill(host.pid, "SIGKILL");
    await host[Symbol.asyncDispose]();
  });
});
