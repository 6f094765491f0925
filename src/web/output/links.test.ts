import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { linksIn, linksOf } from "./links.ts";
import { plain } from "./style.ts";

const shown = (line: string) => linksIn(line).map(({ start, end }) => line.slice(start, end));
const leads = (line: string) => linksIn(line).map(({ href }) => href);

describe("addresses in output", () => {
  it("A45: are http and https alone, as far as the address goes", () => {
    assert.deepEqual(shown("see http://a.example/x?y=1#z, and (https://b.example/c_(d)). Or <https://e.example>!"), [
      "http://a.example/x?y=1#z",
      "https://b.example/c_(d)",
      "https://e.example",
    ]);
    for (const other of ["javascript:alert(1)", "file:///etc/passwd", "ftp://a.example", "data:text/html,x", "http://"])
      assert.deepEqual(linksIn(`go to ${other} now`), []);
  });
  it("P34: what a server prints of its own port is one, with a scheme or without", () => {
    assert.deepEqual(leads("  ➜  Local:   http://localhost:5173/"), ["http://localhost:5173/"]);
    assert.deepEqual(leads("listening on localhost:3000."), ["http://localhost:3000/"]);
    assert.deepEqual(leads("at 127.0.0.1:8080/health and [::1]:9"), [
      "http://127.0.0.1:8080/health",
      "http://[::1]:9/",
    ]);
    for (const none of [
      "error at file.ts:localhost:3",
      "mylocalhost:3000",
      "127.0.0.1:80:90",
      "a 10.127.0.0.1:80",
      "x1: y",
    ])
      assert.deepEqual(shown(none), [], none);
  });
  it("A45: what would lead elsewhere than it reads is none", () => {
    for (const odd of [
      "https://bank.example@evil.example/",
      "https://b\u0430nk.example/",
      "https://bank.example\u202e/moc",
      "https://bank\u200b.example/",
      "http://2130706433/",
      "http://0x7f.1/",
      "http://2130706433/127.0.0.1",
      "http://bank\u3002example/bank.example",
      "http:///evil.example",
      `https://a.example/${"x".repeat(5_000)}`,
    ])
      assert.deepEqual(leads(odd), [], odd);
    assert.deepEqual(leads("https://a.example/größe"), ["https://a.example/gr%C3%B6%C3%9Fe"]);
  });
  it("A45: one with the name of a user is none, also where that is the name of the place it leads to", () => {
    for (const odd of ["https://a.example:80@a.example/", "https://a.example:@a.example/", "https://:pw@a.example/"])
      assert.deepEqual(leads(odd), [], odd);
    assert.deepEqual(leads("https://a.example/@b"), ["https://a.example/@b"]);
  });
  it("A45: one to a host that is written in code is none: nobody can read which letters it stands for", () => {
    for (const odd of ["https://xn--80ak6aa92e.com/", "https://www.XN--80ak6aa92e.com/login"])
      assert.deepEqual(leads(odd), [], odd);
  });
  it("A45: one that holds a character nobody sees is none, wherever in it that stands", () => {
    for (const hidden of ["\u202e", "\u2066", "\u200b", "\u200d", "\u00ad", "\ufe0f", "\u3164", "\u{e0041}", "\x07"])
      for (const odd of [`https://a.example/${hidden}x`, `https://a.example/?q=x${hidden}y`, `localhost:80/${hidden}z`])
        assert.deepEqual(leads(odd), [], JSON.stringify(odd));
  });
  it("A45: of which a program hides a part are none", () => {
    const line = (hidden: boolean) => {
      const texts = ["at ", "https://bank.example", ".evil.example/", " and http://a.example"];
      const runs = texts.map((text, at) => ({ text, style: { ...plain, bold: at === 1, hidden: hidden && at === 2 } }));
      return { text: texts.join(""), runs };
    };
    assert.deepEqual(
      linksOf(line(false)).map(({ href }) => href),
      ["https://bank.example.evil.example/", "http://a.example/"],
    );
    assert.deepEqual(
      linksOf(line(true)).map(({ href }) => href),
      ["http://a.example/"],
    );
  });
  it("P18: a very long line costs no more than its beginning", () => {
    assert.deepEqual(linksIn(`${"x".repeat(30_000)} http://a.example`), []);
    assert.equal(linksIn("http://a.example ".repeat(1_000)).length, 200);
    assert.deepEqual(shown(`http://a.example/(x${")".repeat(15_000)}`), ["http://a.example/(x)"]);
  });
});
