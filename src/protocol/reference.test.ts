import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { describe, it } from "node:test";
import { reference } from "./reference.ts";

describe("the reference page", () => {
  it("says what the protocol says (write it anew: npm run docs)", async () => {
    assert.equal(await readFile(new URL("../../docs/reference.md", import.meta.url), "utf8"), reference());
  });
});
