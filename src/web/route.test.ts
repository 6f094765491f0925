import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { boardHash, callHash, parseHash, pastedTicket, sessionHash } from "./route.ts";

const nowhere = {
  session: null,
  terminals: false,
  call: null,
  board: false,
  process: null,
  folder: null,
  ticket: null,
};

describe("the page's address", () => {
  it("round-trips a session", () => {
    const session = "ses_0123456789ab";
    assert.deepEqual(parseHash(sessionHash(session)), { ...nowhere, session });
    assert.deepEqual(parseHash(sessionHash(session, true)), { ...nowhere, session, terminals: true });
    assert.deepEqual(parseHash(sessionHash(null, true)), nowhere);
    assert.deepEqual(parseHash(callHash(session, "call_1")), { ...nowhere, session, call: "call_1" });
  });

  it("round-trips the board of processes", () => {
    assert.deepEqual(parseHash(boardHash()), { ...nowhere, board: true });
    assert.deepEqual(parseHash(boardHash("proc_1")), { ...nowhere, board: true, process: "proc_1" });
    assert.deepEqual(parseHash("#/processes/<b>"), { ...nowhere, board: true });
  });

  it("reads a login ticket and nothing that only looks like one", () => {
    assert.equal(parseHash("#ticket=abcDEF123_-x").ticket, "abcDEF123_-x");
    assert.equal(parseHash("#ticket=").ticket, null);
    assert.equal(parseHash("#ticket=<script>alert(1)</script>").ticket, null);
    assert.equal(parseHash("#/s/ses_1?ticket=abcDEF123").ticket, null);
  });

  it("names the folder to work in, beside a ticket and alone, and only a whole path", () => {
    assert.equal(parseHash(`#/in/${encodeURIComponent("/home/me/a b#c&d")}`).folder, "/home/me/a b#c&d");
    assert.equal(parseHash("#ticket=abcDEF123_-x&dir=%2Fhome%2Fme").ticket, "abcDEF123_-x");
    assert.equal(pastedTicket("http://127.0.0.1:4327/#ticket=abcDEF123_-x&dir=%2Fhome"), "abcDEF123_-x");
    for (const none of [
      "#/in/%2Fhome%2Fme%2F..%2F..",
      "#/in/",
      "#/in/home",
      "#/in/%00",
      "#/in/%2Fa%00",
      "#/in/a/b",
      `#/in/%2F${"x".repeat(5_000)}`,
    ])
      assert.deepEqual(parseHash(none), nowhere, none.slice(0, 20));
  });

  it("takes garbage for the empty page", () => {
    for (const hash of ["", "#", "#/s/", "#/s/%E0%A4%A", "#/s/a/b", "#/processes/a/b", "#/s/<b>", "#/sessions"])
      assert.deepEqual(parseHash(hash), nowhere, hash);
  });

  it("finds the ticket in whatever a person pastes", () => {
    assert.equal(pastedTicket(" http://127.0.0.1:4327/#ticket=abcDEF123_-x\n"), "abcDEF123_-x");
    assert.equal(pastedTicket("#ticket=abcDEF123_-x"), "abcDEF123_-x");
    assert.equal(pastedTicket("abcDEF123_-x"), "abcDEF123_-x");
    assert.equal(pastedTicket("hello there"), null);
    assert.equal(pastedTicket(""), null);
  });
});
