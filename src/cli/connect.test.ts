import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import { get } from "./connect.ts";
import { CliError } from "./failure.ts";

describe("the way to the host", () => {
  it("F05: is given up where the host takes the connection and says nothing", { timeout: 15_000 }, async () => {
    const home = await mkdtemp(join(tmpdir(), "hearth-connect-"));
    await writeFile(join(home, "token"), "t");
    const server = createServer((socket) => socket.on("error", () => undefined));
    server.listen(join(home, "host.sock"));
    await once(server, "listening");
    try {
      await assert.rejects(
        get(home, "/api/processes/proc_000000000000/output", 50),
        (error) => error instanceof CliError && /said nothing for 0.05 s/.test(error.message),
      );
    } finally {
      server.close();
      await rm(home, { recursive: true });
    }
  });
});
