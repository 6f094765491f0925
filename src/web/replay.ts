// Keeps a screen that is being rebuilt from answering questions that were asked, and answered, long ago: an answer sent
// now would be typed into the shell.

/** What an emulator says by itself: device attributes, status and cursor reports, modes, colours, window, focus. */
const ANSWER =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: escape sequences begin with one
  /^(?:\x1b\[[?>=]?[\d;]*(?:\$y|[cnRtxuy])|\x1b\[[IO]|\x1bP[\s\S]*\x1b\\|\x1b\][\s\S]*(?:\x07|\x1b\\))$/;

/** True if `data`, as the emulator hands it over, is such an answer rather than a key somebody pressed. */
export function isAnswer(data: string): boolean {
  return ANSWER.test(data);
}

/** Drawing is asynchronous, so a replay lasts until its last byte is drawn, not until it has arrived. */
export class Mute {
  #drawing = 0;

  /** Call before drawing replayed bytes; the function it gives, once they are drawn (more than once does no harm). */
  drawing(): () => void {
    this.#drawing += 1;
    let done = false;
    return () => {
      if (!done) this.#drawing -= 1;
      done = true;
    };
  }

  /** Whether something of the past is still being drawn. */
  get active(): boolean {
    return this.#drawing > 0;
  }

  /** Whether what the emulator wants to send may go out: keys always, answers not while a replay is drawn. */
  allows(data: string): boolean {
    return this.#drawing === 0 || !isAnswer(data);
  }
}
