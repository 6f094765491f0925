import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import { Link, NoKeeper } from "./link.ts";
import { decide } from "./verdict.ts";

/** A keeper's door in a directory of its own; `answer` is what stands behind it. */
async function behindDoor(name: string, answer: (socket: Socket) => void, use: (dir: string) => Promise<void>) {
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
    await assert.rejects(Link.open(home, "secret", 60_000), (error) => error instanceof NoKeeper && error.gone);
    await rm(home, { recursive: true });
  });
});
