import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Terminal } from "@xterm/xterm";
import { listenToData } from "./answers.ts";

type Emulator = Parameters<typeof listenToData>[0];

/** An emulator as far as it tells of keys and data. */
function emulator() {
  let key: ((event: { key: string; domEvent: KeyboardEvent }) => void) | undefined;
  let data: ((data: string) => void) | undefined;
  const terminal: Emulator = {
    onKey: (listener) => {
      key = listener;
      return {
        dispose() {
          key = undefined;
        },
      };
    },
    onData: (listener) => {
      data = listener;
      return {
        dispose() {
          data = undefined;
        },
      };
    },
  };
  return {
    terminal: terminal as Pick<Terminal, "onData" | "onKey">,
    says: (text: string) => data?.(text),
    press: (text: string) => {
      key?.({ key: text, domEvent: {} as KeyboardEvent });
      data?.(text);
    },
  };
}

describe("what an emulator on the page sends", () => {
  it("T8, F51: is an answer or typed, F3 with Shift by whether a key was pressed", () => {
    const { terminal, says, press } = emulator();
    const heard: [string, boolean][] = [];
    const listening = listenToData(terminal, (data, answer) => heard.push([data, answer]));
    press("a");
    press("\x1b[1;2R");
    says("\x1b[1;2R");
    says("\x1b[12;40R");
    says("pasted");
    assert.deepEqual(heard, [
      ["a", false],
      ["\x1b[1;2R", false],
      ["\x1b[1;2R", true],
      ["\x1b[12;40R", true],
      ["pasted", false],
    ]);
    listening.dispose();
    press("b");
    assert.equal(heard.length, 5);
  });
});
