import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { pino } from "pino";
import { Audit } from "./audit.ts";

describe("the audit of refusals", () => {
  it("A02, A16: writes each one, a flood only in part, and says how many it left out", () => {
    const lines: Record<string, unknown>[] = [];
    let now = 0;
    const audit = new Audit(pino({}, { write: (line: string) => void lines.push(JSON.parse(line)) }), () => now);
    for (let i = 0; i < 100_000; i++) audit.refused({ status: 401, reason: "unauthorized" });
    assert.ok(lines.length <= 100, `${lines.length} lines`);
    const flood = lines.length;
    audit.refused({ status: 403, reason: "wrong_origin", path: "/x" });
    assert.deepEqual([lines.at(-1)?.reason, lines.at(-1)?.path], ["wrong_origin", "/x"]);
    now += 60_000;
    audit.refused({ status: 401, reason: "unauthorized" });
    assert.equal(lines.at(-1)?.left_out_before, 100_000 - flood);
    audit.refused({ status: 401, reason: "unauthorized" });
    assert.equal(Object.hasOwn(lines.at(-1) ?? {}, "left_out_before"), false);
  });
});
