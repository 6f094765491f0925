import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Typed } from "./terminal-input.ts";

/** A program that takes at most `room` bytes at a time, and what of `pieces` it got. */
async function type(pieces: readonly string[], room: (asked: number) => number) {
  const cuts: string[] = [];
  let got = "";
  const typed = new Typed({
    write: async (bytes) => {
      const taken = Math.min(bytes.length, room(bytes.length));
      got += Buffer.from(bytes.subarray(0, taken)).toString();
      return taken;
    },
    onCut: (message) => cuts.push(message),
    signal: new AbortController().signal,
  });
  const numbers = pieces.map(() => typed.arrived());
  for (const [at, piece] of pieces.entries()) await typed.write(Buffer.from(piece), numbers[at] ?? 0);
  return { got, cuts };
}

describe("what a viewer types", () => {
  it("F49: arrives whole and in order where the program takes it little by little", async () => {
    const pieces = ["a".repeat(300), "b".repeat(300), "c"];
    const { got, cuts } = await type(pieces, () => 100);
    assert.equal(got, pieces.join(""));
    assert.deepEqual(cuts, []);
  });
  it("F49: a line that is too long is told at once, and nothing that was pasted behind it is run by itself", async () => {
    let room = 4_095;
    const { got, cuts } = await type(["x".repeat(10_000), `rm -r ${"y".repeat(100)}\n`, "\x03"], (asked) => {
      const taken = Math.min(asked, room);
      room = 10;
      return taken;
    });
    assert.equal(got, `${"x".repeat(4_095)}\x03`);
    assert.match(cuts.join(), /^Only 4095 of 10000 bytes were taken: .*lines.* nor what was pasted with it\.$/);
  });
  it("F49: who reads nothing is not waited for without end", async () => {
    const { got, cuts } = await type(["word\n"], () => 0);
    assert.equal(got, "");
    assert.match(cuts.join(), /^Only 0 of 5 bytes .* does not read/);
  });
});
