import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { FakeChild } from "../../test/support/gateway-host.ts";
import { Redactor } from "../secrets/redactor.ts";
import { covered } from "./masked-spool.ts";

describe("output with its secrets covered", () => {
  const secret = "sup3r-Secret-value-0123456789";
  const redactor = new Redactor();
  redactor.learn("KNOWN", secret);

  /** What is kept of an output, as it may be shown, read in pieces of so many bytes. */
  async function shown(text: string, firstKept: number, piece: number, by = redactor): Promise<string> {
    const child = new FakeChild();
    child.spool.push(text);
    child.spool.drop(firstKept);
    child.spool.end();
    const { spool } = covered(child, by);
    const parts: Buffer[] = [];
    for (let at = firstKept; at < spool.length; ) {
      const { offset, bytes } = await spool.read(at, piece);
      assert.equal(offset, at);
      parts.push(bytes);
      at += bytes.length;
    }
    return Buffer.concat(parts).toString();
  }

  it("A47: covers what may be the end of a secret whose beginning is no longer kept, and offsets stay", async () => {
    const before = `old\ntoken ${secret.slice(0, 6)}`;
    const text = `${before}${secret.slice(6)}\nnext ${secret} last\n`;
    for (const piece of [7, 1000]) {
      const seen = await shown(text, before.length, piece);
      assert.equal(seen.length, text.length - before.length);
      assert.match(seen, /^[^\n]+\nnext \[redacted[^\n]* last\n$/);
      assert.ok(!seen.includes(secret.slice(-6)));
      const whole = await shown(text, 0, piece);
      assert.ok(whole.startsWith("old\ntoken [redacted: KNOWN]"));
    }
  });

  it("A47: covers no more than a secret can have where there is no line end, and nothing where that is off", async () => {
    const text = `${secret}${"x".repeat(20_000)}`;
    const seen = await shown(text, 6, 4096);
    assert.ok(!seen.includes(secret.slice(-6)));
    assert.ok(seen.endsWith("x".repeat(11_000)));
    assert.equal(await shown(text, 6, 4096, new Redactor({ on: () => false })), text.slice(6));
  });
});
