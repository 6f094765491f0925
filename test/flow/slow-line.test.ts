// A viewer on a slow line: what was on its way when a flood ended must not keep it from the present for long.
import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, connect, createServer } from "node:net";
import { after, describe, it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { WebSocket } from "ws";
import type { TerminalFrame } from "../../src/protocol/frames.ts";
import { RunningHost } from "../support/running-host.ts";
import { ScreenViewer } from "../support/screen-viewer.ts";

/** Passes on so many bytes a second from the host, and everything to it. */
async function slowLine(to: number, bytesPerSecond: number) {
  const piece = bytesPerSecond / 50;
  const line = { bytes: 0, port: 0 };
  const server = createServer((near) => {
    const far = connect(to, "127.0.0.1");
    near.pipe(far);
    const pump = async () => {
      for await (const chunk of far) {
        for (let at = 0; at < chunk.length; at += piece) {
          const part = chunk.subarray(at, at + piece);
          line.bytes += part.length;
          if (!near.write(part)) await once(near, "drain");
          await delay((1000 * part.length) / bytesPerSecond);
        }
      }
    };
    pump().catch(() => near.destroy());
    for (const end of [near, far])
      end.on("error", () => {
        near.destroy();
        far.destroy();
      });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  after(() => server.close());
  line.port = (server.address() as AddressInfo).port;
  return line;
}

describe("a viewer on a slow line", () => {
  it("T7: is shown the end of a flood soon, not after all that the system's buffers hold", async () => {
    await using host = await RunningHost.start({ SHELL: "/bin/sh" });
    const client = await host.client();
    const { session_id } = await client.call("session.create", {});
    const { terminal_id } = await client.call("terminal.open", { session_id, rows: 24, cols: 80 });
    const line = await slowLine(Number(new URL(host.address).port), 50_000);
    const ws = new WebSocket(`ws://127.0.0.1:${line.port}/api/terminals/${terminal_id}/socket`, {
      headers: { authorization: `Bearer ${await host.token()}`, host: new URL(host.address).host },
    });
    after(() => ws.terminate());
    const shown = Promise.withResolvers<void>();
    let screens = 0;
    ws.on("message", (data: Buffer, isBinary: boolean) => {
      const frame = isBinary ? undefined : (JSON.parse(data.toString()) as TerminalFrame);
      if (frame?.type === "snapshot") screens++;
      const text = frame?.type === "snapshot" ? frame.screen : isBinary ? data.toString("latin1") : "";
      if (text.includes("the end of it")) shown.resolve();
    });
    ws.on("close", (code) => shown.reject(new Error(`the viewer was cut: ${code}`)));
    await once(ws, "open");
    using fast = await ScreenViewer.open(host, terminal_id);
    fast.blind = true;
    await client.call("terminal.input", {
      terminal_id,
      data: "seq 1 6000000; sleep 1; printf 'the end %s it\\n' of\r",
    });
    await fast.until(() => fast.offset > 52_000_000, "the flood", 60_000);
    const before = line.bytes;
    await shown.promise;
    assert.ok(screens >= 2, "by a screen");
    assert.ok(line.bytes - before < 500_000, `${line.bytes - before} bytes stood before the end`);
  });
});
