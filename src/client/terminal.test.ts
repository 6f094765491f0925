import assert from "node:assert/strict";
import { describe, it, mock } from "node:test";
import { TerminalStream } from "./terminal.ts";

/** A socket that opens and closes when it is told to. */
function fakeSocket() {
  const target = new EventTarget();
  return {
    binaryType: "blob",
    readyState: 0,
    addEventListener: (type: string, listener: (event: never) => void) =>
      target.addEventListener(type, listener as EventListener),
    send: () => undefined,
    close: () => undefined,
    say: (type: string, about: object = {}) => target.dispatchEvent(Object.assign(new Event(type), about)),
  };
}

describe("a stream of a terminal", () => {
  it("T9: waits longer and longer for a host that lets it in and says nothing, and not once it has spoken", () => {
    mock.timers.enable({ apis: ["setTimeout"] });
    mock.method(Math, "random", () => 1);
    try {
      const sockets: ReturnType<typeof fakeSocket>[] = [];
      const stream = new TerminalStream({
        open: () => {
          const socket = fakeSocket();
          sockets.push(socket);
          return socket;
        },
        listener: { onBytes: () => undefined, onReset: () => undefined },
      });
      const fail = (speaks: boolean) => {
        const socket = sockets.at(-1);
        socket?.say("open");
        if (speaks) socket?.say("message", { data: JSON.stringify({ type: "live", offset: 0 }) });
        socket?.say("close", { code: 1006 });
      };
      /** How long until the next attempt. */
      const wait = () => {
        const before = sockets.length;
        for (let ms = 100; ms < 10_000; ms += 100) {
          mock.timers.tick(100);
          if (sockets.length > before) return ms;
        }
        return Number.NaN;
      };
      const waits = [false, false, false, false, false, false, true, false].map((speaks) => {
        fail(speaks);
        return wait();
      });
      assert.deepEqual(waits, [200, 400, 800, 1_600, 3_200, 5_000, 200, 400]);
      stream.close();
    } finally {
      mock.timers.reset();
      mock.restoreAll();
    }
  });
});
