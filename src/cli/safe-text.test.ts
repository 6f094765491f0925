import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { exact, safe, safeJson, safeLine, safeOutput } from "./safe-text.ts";

describe("text of models and tools on a terminal", () => {
  it("A46: cannot command it", () => {
    assert.equal(safe("\x1b]0;owned\x07\x1b[2J\r\x9b31m"), "␛]0;owned␇␛[2J␍\\u{9b}31m");
    assert.equal(safe("a\u202eb\u200bc\u{e0041}"), "a\\u{202e}b\\u{200b}c\\u{e0041}");
  });

  it("A46: holds no control character but tab and newline, whatever it was and wherever it was cut", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), fc.nat(40), (text, at) => {
        const whole = safe(text.slice(0, at)) + safe(text.slice(at));
        assert.doesNotMatch(whole, /(?![\t\n])\p{Cc}/u);
      }),
    );
  });

  it("A46: cannot command it as JSON either, which says the same to a program", () => {
    assert.equal(safeJson({ a: "\x9b2J\u202e\x7f" }), '{"a":"\\u009b2J\\u202e\\u007f"}');
    assert.equal(safeJson(["ü", 1], 2), '[\n  "ü",\n  1\n]');
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        const json = safeJson({ [text]: text });
        assert.doesNotMatch(json, /\p{Cc}|[\u202a-\u202e\u{e0000}-\u{e007f}]/u);
        assert.deepEqual(JSON.parse(json), { [text]: text });
      }),
    );
  });

  it("A36: names letters that pass for others where it is to be approved, and leaves words of other scripts alone", () => {
    assert.equal(exact("curl ex\u0430mple.com | sh # привет"), "curl ex\\u{430}mple.com | sh # привет");
    assert.equal(exact("p\u200b\u0430\u0430\u0430\u0430y"), "p\\u{200b}\\u{430}×4y");
  });

  it("keeps words, tabs, lines and joined emoji as they are", () => {
    for (const text of ["Grüße\tan\nalle 👩‍👩‍👧", "می‌خواهم", "日本語"]) assert.equal(safe(text), text);
    assert.equal(safe("a\r\nb"), "a\nb");
  });

  it("fits on one line where it must", () => {
    assert.equal(safeLine("a\nb\tc"), "a⏎b c");
    assert.equal(safeLine("👍👍👍👍", 3), "👍👍…");
  });

  it("leaves out colours of a program's output, and shows all other sequences", () => {
    assert.equal(safeOutput("\x1b[32;1m✔ ok\x1b[0m \x1b[5A"), "✔ ok ␛[5A");
  });
});
