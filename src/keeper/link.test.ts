import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdir, mkdtemp, rename, rm } from "node:fs/promises";
import { createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import { setImmediate as soon } from "node:timers/promises";
import { encodeFrame, frames, protocolVersion } from "./frames.ts";
import { Link, NoKeeper } from "./link.ts";
import { decide } from "./verdict.ts";

/** A keeper's door in a directory of its own; `answer` is what stands behind it. */
async function behindDoor(name: string, answer: (socket: Socket) => unknown, use: (dir: string) => Promise<void>) {
  const home = await mkdtemp(join(tmpdir(), "hearth-link-"));
  const dir = join(home, name);
  await mkdir(dir);
  const server = createServer((socket) => answer(socket.on("error", () => undefined)));
  const { promise: listening, resolve } = Promise.withResolvers<void>();
  const here = process.cwd();
  process.chdir(dir); // the path may be longer than a socket's may be
  server.listen("sock", resolve);
  process.chdir(here);
  await listening;
  try {
    await use(dir);
  } finally {
    server.close();
    await rm(home, { recursive: true, force: true });
  }
}

describe("a connection to a keeper", () => {
  for (const [what, name] of [
    ["a short", "d"],
    ["a long", "d".repeat(120)],
  ] as const)
    it(`F13: a keeper that leaves as soon as it was reached, at ${what} path, is known to have left`, () =>
      behindDoor(
        name,
        (socket) => socket.end(),
        async (dir) => {
          // It leaves at any moment between the connection and its being known: all of them are tried.
          for (let round = 0; round < 200; round++) await assert.rejects(Link.open(dir, "secret", 60_000), NoKeeper);
        },
      ));

  it("F19: one that takes the connection and says nothing is given up at its time, and is not called dead", () =>
    behindDoor(
      "silent",
      () => undefined,
      async (dir) => {
        await assert.rejects(
          Link.open(dir, "secret", 50),
          (error) => error instanceof NoKeeper && !error.gone && error.silent,
        );
      },
    ));

  it("F19: one that says nothing is asked once, however often others are", async () => {
    let asked = 0;
    await behindDoor(
      "stopped",
      () => asked++,
      async (dir) => {
        const intent = { spec: { id: "c", argv: ["true"], env: {}, cwd: "/", mode: "pipe" as const }, mark: "m" };
        const verdict = await decide(dir, { ...intent, secret: "s", createdAt: 0 }, undefined, assert.fail);
        assert.deepEqual([verdict.kind, asked], ["silent", 1]);
      },
    );
  });

  it("F03: a door that nobody stands behind, and one that is gone, are a dead keeper", async () => {
    const home = await mkdtemp(join(tmpdir(), "hearth-link-"));
    const isDead = () =>
      assert.rejects(Link.open(home, "secret", 60_000), (error) => error instanceof NoKeeper && error.gone);
    await isDead();
    // As after a kill: whoever closes a socket in order takes its name along, unless it has another by then.
    const server = createServer();
    server.listen(join(home, "sock"));
    await once(server, "listening");
    await rename(join(home, "sock"), join(home, "left"));
    server.close();
    await once(server, "close");
    await rename(join(home, "left"), join(home, "sock"));
    await isDead();
    await rm(home, { recursive: true });
  });

  it("P7: what two keepers say in pieces is not mixed, and keeps until somebody listens", async () => {
    const said = (word: string): Buffer => {
      const welcome = Buffer.alloc(22);
      welcome.writeUInt8(protocolVersion);
      const grew = Buffer.alloc(20);
      grew.writeBigUInt64BE(2n ** 40n + BigInt(word.length));
      const record = Buffer.from(word.repeat(300));
      return Buffer.concat([
        encodeFrame(frames.welcome, welcome),
        encodeFrame(frames.grew, grew),
        encodeFrame(frames.exited, record),
        encodeFrame(frames.closed, record),
      ]);
    };
    const inPieces = (word: string) => async (socket: Socket) => {
      const all = said(word);
      for (let at = 0, length = 1; at < all.length; at += length, length = (length % 37) + 1) {
        socket.write(all.subarray(at, at + length));
        await soon();
      }
      socket.end();
    };
    const heard = async (dir: string): Promise<string[]> => {
      const { link } = await Link.open(dir, "secret", 60_000);
      const words: string[] = [];
      const { promise, resolve } = Promise.withResolvers<void>();
      await soon(); // some of it came before anybody listened
      link.listen({
        grew: ({ length }) => words.push(String(length - 2 ** 40)),
        exited: (record) => words.push(record.toString()),
        closed: (record) => words.push(record.toString()),
        lived: () => undefined,
        gone: resolve,
      });
      await promise;
      return words;
    };
    await behindDoor("one", inPieces("one"), (one) =>
      behindDoor("three", inPieces("three"), async (three) => {
        const [first, second] = await Promise.all([heard(one), heard(three)]);
        assert.deepEqual(first, ["3", "one".repeat(300), "one".repeat(300)]);
        assert.deepEqual(second, ["5", "three".repeat(300), "three".repeat(300)]);
      }),
    );
  });
});
