import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { describe, it } from "node:test";
import { settingsReference } from "./reference.ts";

describe("the page of all settings", () => {
  it("says what the table says (write it anew: npm run docs)", async () => {
    assert.equal(await readFile(new URL("../../docs/settings.md", import.meta.url), "utf8"), settingsReference());
  });
});
