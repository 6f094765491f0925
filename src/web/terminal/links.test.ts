import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { judgeLink } from "./links.ts";

describe("a link in a terminal", () => {
  it("A45: leads to http and https only", () => {
    const refused = ["javascript:alert(1)", " javascript:alert(1)", "JaVaScRiPt:alert(1)", "file:///etc/passwd"];
    refused.push("data:text/html,<b>", "vbscript:x", "ssh://host", "//host/x", "", `https://x/${"a".repeat(5000)}`);
    for (const target of refused) assert.equal(judgeLink(target).ok, false, target.slice(0, 40));
  });

  it("says where it really leads", () => {
    assert.deepEqual(judgeLink("https://bank.example@evil.example:8443/x"), {
      ...{ ok: true, host: "evil.example:8443" },
      address: "https://bank.example@evil.example:8443/x",
    });
    const link = judgeLink("https://аpple.example/");
    assert.ok(link.ok && link.host.startsWith("xn--"), "a look-alike letter is shown as what it is");
  });
});
