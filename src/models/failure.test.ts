// How long a provider asks us to wait, in each of the ways it may say so.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { retryAfter } from "./failure.ts";

describe("what a provider asks us to wait", () => {
  const now = Date.parse("2030-01-01T00:00:00Z");
  const cases: [Record<string, string>, number | undefined][] = [
    [{ "retry-after": "7" }, 7_000],
    [{ "retry-after": "0.5" }, 500],
    [{ "retry-after-ms": "1500", "retry-after": "9" }, 1_500],
    [{ "retry-after": "Tue, 01 Jan 2030 00:00:30 GMT" }, 30_000],
    [{ "retry-after": "Tue, 01 Jan 2019 00:00:30 GMT" }, 0],
    [{ "retry-after": "soon" }, undefined],
    [{ "retry-after": "-1" }, undefined],
    [{ "retry-after": "" }, undefined],
    [{}, undefined],
  ];
  for (const [headers, expected] of cases) {
    it(`S8: reads ${JSON.stringify(headers)} as ${String(expected)}`, () =>
      assert.equal(retryAfter(headers, now), expected));
  }
});
