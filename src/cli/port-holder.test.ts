import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:net";
import { describe, it } from "node:test";
import { findPortHolder, listeningInodes } from "./port-holder.ts";

describe("who has a port", () => {
  it("is read from the kernel's table, listeners only", () => {
    const table = [
      "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode",
      "   0: 0100007F:10E7 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 4242 1 0 100 0 0 10 0",
      "   1: 0100007F:10E7 0100007F:9C40 01 00000000:00000000 00:00000000 00000000  1000        0 4343 1 0 20 4 30 10 -1",
    ].join("\n");
    assert.deepEqual(listeningInodes(table, 4327), ["4242"]);
    assert.deepEqual(listeningInodes(table, 1), []);
  });

  it("is found by name", { skip: process.platform === "linux" ? false : "needs /proc" }, async () => {
    await using server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    const address = server.address();
    assert.ok(typeof address === "object" && address !== null);
    const holder = await findPortHolder(address.port);
    assert.equal(holder?.pid, process.pid);
    assert.match(holder.command, /port-holder\.test/);
  });
});
