import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { watchSecret } from "./watch.ts";

describe("the address of a link to watch", () => {
  it("A11: has the secret in its fragment, and is no other address", () => {
    const secret = "Ab3_-".repeat(8);
    assert.equal(watchSecret(`#watch=${secret}`), secret);
    for (const other of ["", "#", "#/s/ses_1", `#ticket=${secret}`, "#watch=", "#watch=short", `#watch=${secret}/..`])
      assert.equal(watchSecret(other), null);
  });
});
