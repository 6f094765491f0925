import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { columns, openScreen, size, span } from "./screen.ts";

const stdio = (isTTY: boolean) =>
  ({
    stdin: { isTTY },
    stdout: { isTTY, columns: 80, write: () => true },
    stderr: { isTTY, write: () => true },
  }) as unknown as Pick<NodeJS.Process, "stdin" | "stdout" | "stderr">;

describe("the screen of a command", () => {
  it("has colours on a terminal only, and not where NO_COLOR or a dumb terminal says so", () => {
    assert.equal(openScreen({ TERM: "xterm" }, stdio(true)).style("red", "x"), "\x1b[31mx\x1b[39m");
    assert.equal(openScreen({ TERM: "xterm", NO_COLOR: "1" }, stdio(true)).style("red", "x"), "x");
    assert.equal(openScreen({ TERM: "dumb" }, stdio(true)).style("red", "x"), "x");
    assert.equal(openScreen({ TERM: "xterm" }, stdio(false)).style("red", "x"), "x");
  });

  it("sets rows in columns, cut to the line on a terminal and whole in a pipe", () => {
    const rows = [
      ["proc_1", "a long command"],
      ["p", "x"],
    ];
    assert.equal(columns(["ID", "COMMAND"], rows), "ID      COMMAND\nproc_1  a long command\np       x");
    assert.equal(columns(["ID", "COMMAND"], rows, 16), "ID      COMMAND\nproc_1  a long …\np       x");
  });

  it("names spans and sizes as people do", () => {
    assert.deepEqual([400, 59_000, 61_000, 2 * 3600e3, 7.5 * 3600e3, 50 * 3600e3].map(span), [
      "0 s",
      "59 s",
      "1 min",
      "2 h",
      "7 h 30 min",
      "2 d",
    ]);
    assert.deepEqual([0, 1023, 1024, 10.4 * 2 ** 20, 3 * 2 ** 40].map(size), [
      "0 B",
      "1023 B",
      "1.0 KiB",
      "10 MiB",
      "3.0 TiB",
    ]);
  });
});
