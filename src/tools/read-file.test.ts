import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdir, open, symlink, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import fc from "fast-check";
import { call, context, temporaryDirectory } from "../../test/support/tool-call.ts";
import { Keepout } from "./paths.ts";
import { readFileTool, readLines } from "./read-file.ts";

const tool = readFileTool(new Keepout(undefined));
let home: Awaited<ReturnType<typeof temporaryDirectory>>;
const at = (name: string): string => join(home.path, name);
const read = (args: Record<string, unknown>) => call(tool, args, context(home.path));

before(async () => {
  home = await temporaryDirectory();
});
after(() => home[Symbol.asyncDispose]());

describe("read_file", () => {
  it("gives the text as it is and says which lines these are", async () => {
    await writeFile(at("three"), "one\ntwo\nthree");
    assert.deepEqual(await read({ path: "three" }), { status: "ok", result: "one\ntwo\nthree\n\n[Lines 1-3 of 3.]" });
    assert.equal(
      (await read({ path: at("three"), offset: 2, limit: 1 })).result,
      "two\n\n[Lines 2-2 of 3. Read on with offset 3.]",
    );
    assert.equal((await read({ path: "three", offset: 9 })).result, "[There is no line 9: the file has 3 lines.]");
    await writeFile(at("empty"), "");
    assert.equal((await read({ path: "empty" })).result, "[The file is empty.]");
  });

  it("gives at most 2,000 lines and 256 KiB, whole lines only", async () => {
    await writeFile(at("many"), Array.from({ length: 5000 }, (_, n) => `line ${n + 1}\n`).join(""));
    assert.match(
      (await read({ path: "many" })).result,
      /line 2000\n\n\[Lines 1-2000 of 5000\. Read on with offset 2001\.\]$/,
    );
    await writeFile(at("wide"), `${"x".repeat(1000)}\n`.repeat(400));
    const { result } = await read({ path: "wide" });
    assert.match(result, /\[Lines 1-261 of 400\. Read on with offset 262\.\]$/);
    await writeFile(at("long"), "ä".repeat(300_000));
    const long = (await read({ path: "long" })).result;
    assert.match(long, /\[Lines 1-1 of 1\. Line 1 is longer than 256 KiB and cut here/);
    assert.ok(!long.includes("\ufffd"), "the cut does not break a character");
  });

  it("P9: shows invalid UTF-8 as U+FFFD and refuses binary files", async () => {
    await writeFile(at("latin1"), Buffer.from([0x61, 0xe4, 0x62, 0x0a]));
    assert.match((await read({ path: "latin1" })).result, /^a\ufffdb\n/);
    await writeFile(at("binary"), Buffer.from([1, 0, 2]));
    const outcome = await read({ path: "binary" });
    assert.equal(outcome.status, "failed");
    assert.match(outcome.result, /binary file/);
  });

  it("A23: refuses what is no regular file, at once and in words", async () => {
    execFileSync("mkfifo", [at("fifo")]);
    await mkdir(at("directory"));
    await symlink(at("fifo"), at("link-to-fifo"));
    const server = createServer().listen(at("socket"));
    await using _ = { [Symbol.asyncDispose]: async () => void server.close() };
    const cases: [string, RegExp][] = [
      ["fifo", /named pipe/],
      ["link-to-fifo", /named pipe/],
      ["directory", /is a directory/],
      ["socket", /is a socket/],
      ["/dev/zero", /is a device/],
      ["/dev/tty", /is a device|nothing is behind it|not access/],
      ["missing", /no such file \(ENOENT\)/],
      ["three/below", /a part of the path is a file/],
    ];
    await writeFile(at("three"), "one\n");
    for (const [path, words] of cases) {
      const outcome = await read({ path });
      assert.equal(outcome.status, "failed", path);
      assert.match(outcome.result, words);
    }
  });

  it("A23: refuses views of the kernel", { skip: process.platform !== "linux" }, async () => {
    const outcome = await read({ path: "/proc/self/environ" });
    assert.equal(outcome.status, "failed");
    assert.match(outcome.result, /view of the kernel/);
  });

  it("A23: reads a range of a huge sparse file without reading it all", async () => {
    const file = await open(at("huge"), "w");
    await file.write(`first\n${"second line\n".repeat(2000)}`);
    await file.truncate(10_000_000_000);
    await file.close();
    const { result } = await read({ path: "huge", limit: 2 });
    assert.equal(result, "first\nsecond line\n\n[Lines 1-2; the file has 10000000000 bytes. Read on with offset 3.]");
  });

  it("A42: keeps away from the host's own directory, also through a link", async () => {
    await mkdir(at("state"));
    await writeFile(at("state/token"), "secret");
    await symlink(at("state/token"), at("innocent"));
    const careful = readFileTool(new Keepout(at("state")));
    for (const path of ["state/token", "innocent"]) {
      const outcome = await call(careful, { path }, context(home.path));
      assert.equal(outcome.status, "failed");
      assert.ok(!outcome.result.includes("secret"));
    }
  });

  it("S7: stops when the turn is cancelled", async () => {
    const cancel = new AbortController();
    cancel.abort(new Error("cancelled"));
    await assert.rejects(call(tool, { path: "three" }, context(home.path, { signal: cancel.signal })), /cancelled/);
  });

  it("gives exactly the lines that splitting the whole text would give", async () => {
    const line = fc.string({ unit: fc.constantFrom("a", "ß", "€", "😀", "\r", " "), maxLength: 12, size: "max" });
    const text = fc.tuple(fc.array(line, { maxLength: 20, size: "max" }), fc.boolean());
    await fc.assert(
      fc.asyncProperty(
        text,
        fc.integer({ min: 1, max: 25 }),
        fc.integer({ min: 1, max: 25 }),
        async ([lines, end], first, limit) => {
          const whole = lines.join("\n") + (end && lines.length > 0 ? "\n" : "");
          const bytes = Buffer.from(whole);
          const file = {
            read: async (into: Buffer, offset: number, length: number, position: number) => ({
              bytesRead: bytes.copy(into, offset, position, position + length),
            }),
          };
          const expected = whole.match(/[^\n]*\n|[^\n]+$/g) ?? [];
          const range = await readLines(file, first, limit, new AbortController().signal);
          assert.equal(range.bytes.toString(), expected.slice(first - 1, first - 1 + limit).join(""));
          assert.equal(range.total, expected.length);
          assert.equal(range.lines, expected.slice(first - 1, first - 1 + limit).length);
        },
      ),
      { seed: 23 },
    );
  });
});
