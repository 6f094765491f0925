// What programs in a terminal try that a terminal should not do unasked: write to the clipboard, raise notifications.
// Nothing of it happens; the person is told, quietly and not more often than bearable.
import type { IDisposable, Terminal } from "@xterm/xterm";

export interface Attempts {
  /** Text that a program wanted in the clipboard; null: it wanted to read the clipboard, which is never answered. */
  onClipboard(text: string | null): void;
  onNotification(text: string): void;
}

const LONGEST_COPY = 100_000;
const LONGEST_NOTE = 200;

/** Catches them in the emulator's stream; `muted` tells whether what is drawn now is old. */
export function catchAttempts(terminal: Pick<Terminal, "parser">, muted: () => boolean, on: Attempts): IDisposable {
  const note = (text: string) => {
    if (!muted()) on.onNotification([...text].slice(0, LONGEST_NOTE).join(""));
    return true;
  };
  const handlers = [
    terminal.parser.registerOscHandler(52, (data) => {
      const at = data.indexOf(";");
      const content = data.slice(at + 1);
      if (!muted() && at !== -1) on.onClipboard(content === "?" ? null : decoded(content));
      return true;
    }),
    // Progress reports share the number of notifications: they are neither shown nor worth a word.
    terminal.parser.registerOscHandler(9, (data) => (/^\d+(;|$)/.test(data) ? true : note(data))),
    terminal.parser.registerOscHandler(777, (data) => note(data.split(";").slice(1).join(" "))),
    terminal.parser.registerOscHandler(99, (data) => note(data.slice(data.indexOf(";") + 1))),
  ];
  return { dispose: () => handlers.forEach((handler) => void handler.dispose()) };
}

/** Base64 of UTF-8; what is none comes out empty. */
function decoded(base64: string): string {
  try {
    const binary = atob(base64.slice(0, Math.ceil(LONGEST_COPY / 3) * 4));
    return new TextDecoder().decode(Uint8Array.from(binary, (character) => character.charCodeAt(0)));
  } catch (error) {
    if (error instanceof DOMException) return "";
    throw error;
  }
}

/** Lets one through in `everyMs`; the others are only counted. */
export class Quiet {
  readonly #everyMs: number;
  readonly #now: () => number;
  #last = Number.NEGATIVE_INFINITY;
  #held = 0;

  constructor(everyMs: number, now: () => number = () => performance.now()) {
    this.#everyMs = everyMs;
    this.#now = now;
  }

  /** Null: hold it back. Otherwise how many were held back since the last that went through. */
  passes(): number | null {
    const now = this.#now();
    if (now - this.#last < this.#everyMs) {
      this.#held += 1;
      return null;
    }
    const held = this.#held;
    this.#last = now;
    this.#held = 0;
    return held;
  }
}
