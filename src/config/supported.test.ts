import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ConfigRefused } from "./settings.ts";
import { assertSupported } from "./supported.ts";

describe("a system that Hearth is to run on", () => {
  it("P37: is Linux or macOS", () => {
    assertSupported("linux");
    assertSupported("darwin");
  });
  it("P37: is refused elsewhere, by name and with what to do instead", () => {
    const refused = (words: RegExp) => (error: unknown) => error instanceof ConfigRefused && words.test(error.message);
    assert.throws(() => assertSupported("win32"), refused(/not run on Windows yet, only on Linux and macOS: .*WSL/));
    assert.throws(() => assertSupported("freebsd"), refused(/not run on freebsd yet/));
  });
});
