import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { bytesShown, shown } from "./words.ts";

describe("an amount of memory in words", () => {
  it("P39: is as round as it was given, in powers of two or of ten, and otherwise says that it is not exact", () => {
    const said: Record<string, number> = {
      "60 MB": 60_000_000,
      "64 MB": 64_000_000,
      "1.5 GB": 1_500_000_000,
      "64 MiB": 64 * 2 ** 20,
      "1.5 GiB": 1.5 * 2 ** 30,
      "1280 MiB": 1.25 * 2 ** 30,
      "4 KiB": 4_096,
      "1001 bytes": 1_001,
      "about 57.2 MiB": 60_000_001,
    };
    for (const [words, bytes] of Object.entries(said)) assert.equal(bytesShown(bytes), words);
    assert.equal(shown("memory_bytes", 60_000_000), "60 MB of memory");
  });
});
