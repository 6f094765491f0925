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

  it("T9: goes on at the byte over a new connection after a sleep, since nobody says that the old one is dead", (t) => {
    t.mock.timers.enable({ apis: ["setInterval", "setTimeout"] });
    let now = 1_000_000;
    t.mock.method(Date, "now", () => now);
    const sockets: ReturnType<typeof fakeSocket>[] = [];
    const froms: (number | undefined)[] = [];
    const connections: boolean[] = [];
    let shown = "";
    const stream = new TerminalStream({
      open: (from) => {
        const socket = fakeSocket();
        sockets.push(socket);
        froms.push(from);
        return socket;
      },
      listener: {
        onBytes: (bytes) => {
          shown += new TextDecoder().decode(bytes);
        },
        onReset: () => undefined,
        onConnection: (is) => connections.push(is),
      },
    });
    const opens = (socket: ReturnType<typeof fakeSocket> | undefined) => {
      if (socket !== undefined) socket.readyState = 1;
      socket?.say("open");
    };
    const bytes = (offset: number, text: string) => {
      const data = new Uint8Array(8 + text.length);
      new DataView(data.buffer).setBigUint64(0, BigInt(offset));
      data.set(new TextEncoder().encode(text), 8);
      return { data: data.buffer };
    };
    const after = (ms: number) => {
      now += ms;
      t.mock.timers.tick(10_000);
    };
    const [first] = sockets;
    opens(first);
    first?.say("message", bytes(0, "before "));
    for (let look = 0; look < 30; look++) after(10_000);
    assert.equal(sockets.length, 1, "a quiet terminal is not a dead one");
    after(3_600_000);
    const [, second] = sockets;
    assert.deepEqual(froms, [undefined, 7]);
    opens(second);
    first?.say("message", bytes(7, "twice "));
    second?.say("message", bytes(7, "after"));
    first?.say("close", { code: 1006 });
    assert.deepEqual([shown, connections, sockets.length], ["before after", [true, true], 2]);
    stream.close();
    after(3_600_000);
    assert.equal(sockets.length, 2, "one that was closed stays closed");
  });
});
