import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { nameOf, wantedFile } from "./download.ts";

describe("a link that downloads a file", () => {
  it("names a session and a path, whatever characters the path has", () => {
    const path = "out put/a:b#c%d/übersicht.pdf";
    assert.deepEqual(wantedFile(`#get=ses_5f0c1e2d3b4a:${encodeURIComponent(path)}`), {
      session: "ses_5f0c1e2d3b4a",
      path,
    });
    assert.equal(nameOf(path), "übersicht.pdf");
  });
  it("is nothing where it is torn or another address", () => {
    for (const hash of ["#get=", "#get=ses_1", "#get=ses_1:%E0%A4%A", "#/s/ses_1", ""])
      assert.equal(wantedFile(hash), null);
  });
});
