import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { isUnseen, nameUnseen } from "./unseen.ts";

describe("characters that cannot be seen", () => {
  it("A36: are joiners, marks that reorder, tags, odd blanks, fillers, and what no font has", () => {
    const unseen = [
      ...["\u00ad", "\u061c", "\u200b", "\u200d", "\u200e", "\u202e", "\u2060", "\u2066", "\ufeff", "\u{e0041}"],
      ...[
        "\u00a0",
        "\u2003",
        "\u3000",
        "\u2028",
        "\u2029",
        "\ufe0f",
        "\u{e0100}",
        "\u180e",
        "\u034f",
        "\u17b4",
        "\u17b5",
      ],
      ...["\u115f", "\u1160", "\u2800", "\u3164", "\uffa0", "\ue000", "\ud800", "\u0378", "\u{10ffff}"],
    ];
    for (const character of unseen) {
      const code = character.codePointAt(0)?.toString(16);
      assert.equal(isUnseen(character), true, code);
      assert.equal(isUnseen(character), true, `${code}, asked again`);
      assert.equal(
        nameUnseen(`a${character}b`, () => "."),
        "a.b",
        code,
      );
    }
  });

  it("A36: are not letters, blanks, lines and pictures that people write, nor controls, which are shown otherwise", () => {
    for (const character of [" ", "a", "ü", "日", "\u0430", "🔥", "\u0301", "\n", "\t", "\x1b", "-"]) {
      assert.equal(isUnseen(character), false, character.codePointAt(0)?.toString(16));
      assert.equal(
        nameUnseen(character, () => "."),
        character,
      );
    }
  });
});
