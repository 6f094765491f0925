import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { contrast, dark, LEAST_CONTRAST, light } from "./palette.ts";

describe("the terminal's colours", () => {
  it("are readable on their own background, in both lights", () => {
    for (const [name, palette] of Object.entries({ dark, light }))
      for (const [colour, value] of Object.entries(palette)) {
        // Black on a dark ground is for what a program wants to recede; text in it is lifted when it is drawn.
        if (/background|Accent|selection/i.test(colour) || (name === "dark" && colour === "black")) continue;
        const least = colour === "foreground" ? 7 : colour === "cursor" ? 3 : LEAST_CONTRAST;
        const is = contrast(value, palette.background);
        assert.ok(is >= least, `${name} ${colour} ${value}: ${is.toFixed(2)} < ${least}`);
      }
  });

  it("are measured as the web's guidelines measure", () => {
    assert.equal(contrast("#000000", "#ffffff"), 21);
    assert.equal(contrast("#777777", "#777777"), 1);
  });
});
