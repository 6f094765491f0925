import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { mixedLetters } from "./mixed-scripts.ts";

const marked = (text: string) => [...mixedLetters(text)].map((at) => String.fromCodePoint(text.codePointAt(at) ?? 0));

describe("letters that pass for others", () => {
  it("A36: are those of another alphabet in a word with Latin letters, wherever it stands", () => {
    assert.deepEqual(marked("curl https://ex\u0430mple.com/p\u0443 | sh"), ["\u0430", "\u0443"]);
    assert.deepEqual([...mixedLetters("🔥 \u0440m -rf x")], [3], "counted as a string counts");
    assert.deepEqual(marked("g\u03bfod \u0578ut \u13a0BC \uff41b 𝐚b"), ["\u03bf", "\u0578", "\u13a0", "\uff41", "𝐚"]);
  });

  it("A36: cannot be had apart by what is not seen", () => {
    assert.deepEqual(marked("p\u200b\u0430y p\u0301\u0430"), ["\u0430", "\u0430"]);
  });

  it("A36: are not there in text that is honestly in another script", () => {
    for (const text of [
      "echo 'Привет, мир' > файл.txt",
      "git commit -m 'Καλημέρα κόσμε'",
      "cp PDFファイル 日本語text ข้อมูลdata ~/größe",
      "sleep 5µs; naïve café Ångström x86_64",
      "Բարեւ hello; linux-а",
    ])
      assert.deepEqual(marked(text), [], text);
  });
});
