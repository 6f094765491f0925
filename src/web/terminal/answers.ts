// Tells what an emulator says by itself from what a person types. On a wire F3 with Shift looks like an answer; here it is
// known whether a key was pressed.
import type { IDisposable, Terminal } from "@xterm/xterm";
import { isAnswer, isKeyOrAnswer } from "../../protocol/terminal-answers.ts";

/** Hears all that the emulator sends, each with whether it is an `answer` of its own. Dispose of it to hear no more. */
export function listenToData(
  terminal: Pick<Terminal, "onData" | "onKey">,
  listener: (data: string, answer: boolean) => void,
): IDisposable {
  let pressed = "";
  // Comes right before the data of the same key.
  const keys = terminal.onKey(({ key }) => {
    pressed = key;
  });
  const all = terminal.onData((data) => {
    const answer = isAnswer(data) || (isKeyOrAnswer(data) && data !== pressed);
    pressed = "";
    listener(data, answer);
  });
  return {
    dispose() {
      keys.dispose();
      all.dispose();
    },
  };
}
