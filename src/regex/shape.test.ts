import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { looksLikeShape } from "./shape.ts";
import { beginningOf, inPortions } from "./source.ts";

describe("the shape of a key", () => {
  it("P19: with large repetitions in portions is the same expression, and one that the linear engine takes", () => {
    const count = fc.integer({ min: 0, max: 70 });
    fc.assert(
      fc.property(count, fc.option(count), fc.boolean(), fc.nat(90), (least, more, open, length) => {
        const most = open ? "," : more === null ? "" : `,${least + more}`;
        const source = `k_[ab]{${least}${most}}!`;
        const linear = new RegExp(`^(?:${inPortions(source)})`, "l");
        const text = `k_${"ab".repeat(45).slice(0, length)}!`;
        assert.equal(linear.test(text), new RegExp(`^(?:${source})`).test(text), `${source} ${length}`);
      }),
      { numRuns: 1_000, seed: 19 },
    );
  });
  it("P19: begins with its fixed characters", () => {
    for (const [source, beginning] of [
      ["acme_[a-z]+", "acme_"],
      ["acme\\.x+", "acme."],
      ["ac(me)", "ac"],
      ["a|b", ""],
      ["x(?:a|b)", "x"],
      ["[a]cme", ""],
    ] as const)
      assert.equal(beginningOf(source), beginning, source);
  });
  it("P19: stands between slashes; anything else is a text", () => {
    assert.deepEqual(["/a/", "/a/i", "a/b/c", "//", "/a"].map(looksLikeShape), [true, true, false, false, false]);
  });
});
