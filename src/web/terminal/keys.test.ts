import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { keyBytes, withCtrl } from "./keys.ts";

describe("the phone's keys", () => {
  it("send what a keyboard would", () => {
    const plain = { application: false, ctrl: false };
    assert.equal(keyBytes("escape", plain), "\x1b");
    assert.equal(keyBytes("tab", plain), "\t");
    assert.equal(keyBytes("up", plain), "\x1b[A");
    assert.equal(keyBytes("up", { ...plain, application: true }), "\x1bOA");
    assert.equal(keyBytes("left", { application: true, ctrl: true }), "\x1b[1;5D");
    assert.equal(keyBytes("pagedown", { ...plain, ctrl: true }), "\x1b[6;5~");
  });

  it("hold Ctrl for the next character, and for nothing that has no such form", () => {
    assert.equal(withCtrl("c"), "\x03");
    assert.equal(withCtrl("C"), "\x03");
    assert.equal(withCtrl("["), "\x1b");
    assert.equal(withCtrl(" "), "\0");
    assert.equal(withCtrl("cd"), "\x03d");
    assert.equal(withCtrl("é"), "é");
    assert.equal(withCtrl("5"), "5");
    assert.equal(withCtrl(""), "");
  });
});
