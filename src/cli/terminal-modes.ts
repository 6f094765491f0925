// What a program has switched on in the person's own terminal, so that exactly that is switched off when we let go of it.

/** Private modes that are on where nobody has touched them: cursor shown, lines wrapped, and blinking as the user has it. */
const ON_BY_DEFAULT = new Set([7, 25]);
/** The three ways to another screen. */
const OTHER_SCREEN = [47, 1047, 1049];
/** Switched back when we leave: keys, colours, origin, mouse, focus, paste, held-back drawing. */
const KEPT = new Set([1, 5, 6, 7, 9, 25, 66, 1000, 1001, 1002, 1003, 1004, 1005, 1006, 1015, 1016, 2004, 2026, 2031]);
const MAX_SEQUENCE = 256;

type State = "ground" | "escape" | "sequence" | "string" | "string escape";

/** Reads what goes to the terminal. It never changes a byte of it. */
export class TerminalModes {
  #state: State = "ground";
  #sequence = "";
  readonly #changed = new Set<number>();
  #otherScreen: number | undefined;
  #keyboards = 0;
  #otherKeys = false;
  #keypad = false;
  #margins = false;
  #cursorStyle = false;
  #colours = false;

  /** True while a program draws on the other screen, as editors do. */
  get onOtherScreen(): boolean {
    return this.#otherScreen !== undefined;
  }

  feed(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; at++) {
      // Most bytes are text: only an escape begins anything.
      if (this.#state === "ground") {
        at = bytes.indexOf(0x1b, at);
        if (at === -1) return;
        this.#state = "escape";
      } else this.#step(bytes[at] ?? 0);
    }
  }

  /** Brings the terminal back to what a shell expects, and forgets. Nothing that is off already is touched. */
  reset(): string {
    // Whatever was cut in the middle ends here, or it would swallow what follows.
    let text = this.#state === "ground" ? "" : "\x18\x1b\\";
    if (this.#margins) text += "\x1b7\x1b[r\x1b8";
    for (const mode of this.#changed) text += `\x1b[?${mode}${ON_BY_DEFAULT.has(mode) ? "h" : "l"}`;
    if (this.#keypad) text += "\x1b>";
    if (this.#keyboards > 0) text += `\x1b[<${this.#keyboards}u`;
    if (this.#otherKeys) text += "\x1b[>4m";
    if (this.#cursorStyle) text += "\x1b[0 q";
    if (this.#colours) text += "\x1b]104\x1b\\\x1b]110\x1b\\\x1b]111\x1b\\\x1b]112\x1b\\";
    if (this.#otherScreen !== undefined) text += `\x1b[?${this.#otherScreen}l`;
    text += "\x1b(B\x0f\x1b[0m";
    this.#forget();
    return text;
  }

  #forget(): void {
    this.#state = "ground";
    this.#changed.clear();
    this.#otherScreen = undefined;
    this.#keyboards = 0;
    this.#otherKeys = this.#keypad = this.#margins = this.#cursorStyle = this.#colours = false;
  }

  #step(byte: number): void {
    switch (this.#state) {
      case "escape":
        this.#escape(byte);
        return;
      case "sequence":
        // Controls inside a sequence are obeyed by terminals without ending it.
        if (byte === 0x1b) this.#state = "escape";
        else if (byte === 0x18 || byte === 0x1a) this.#state = "ground";
        else if (byte >= 0x40 && byte <= 0x7e) {
          this.#state = "ground";
          this.#control(this.#sequence, String.fromCharCode(byte));
        } else if (byte >= 0x20 && this.#sequence.length < MAX_SEQUENCE) this.#sequence += String.fromCharCode(byte);
        return;
      case "string":
        if (byte === 0x07 || byte === 0x18 || byte === 0x1a) this.#state = "ground";
        else if (byte === 0x1b) this.#state = "string escape";
        else if (this.#sequence.length < 4) this.#text(byte);
        return;
      case "string escape":
        if (byte === 0x5c) this.#state = "ground";
        else this.#escape(byte);
        return;
      default:
        return;
    }
  }

  #escape(byte: number): void {
    this.#state = "ground";
    const letter = String.fromCharCode(byte);
    if (byte === 0x1b) this.#state = "escape";
    else if (letter === "[") {
      this.#state = "sequence";
      this.#sequence = "";
    } else if ("]PX^_".includes(letter)) {
      this.#state = "string";
      this.#sequence = letter === "]" ? "" : "none";
    } else if (letter === "=") this.#keypad = true;
    else if (letter === ">") this.#keypad = false;
    else if (letter === "c") this.#forget();
  }

  /** The number of an operating system command: 4, 10, 11 and 12 change colours. */
  #text(byte: number): void {
    this.#sequence += String.fromCharCode(byte);
    if (/^(4|10|11|12);/.test(this.#sequence)) this.#colours = true;
  }

  #control(parameters: string, end: string): void {
    if (parameters.startsWith("?") && (end === "h" || end === "l")) {
      for (const number of parameters.slice(1).split(";")) this.#mode(Number(number), end === "h");
    } else if (end === "r" && /^[\d;]*$/.test(parameters)) this.#margins = parameters !== "";
    else if (end === "q" && parameters.endsWith(" ")) this.#cursorStyle = true;
    else if (end === "m" && parameters.startsWith(">4")) this.#otherKeys = /;[1-9]/.test(parameters);
    else if (end === "u" && parameters.startsWith(">")) this.#keyboards++;
    else if (end === "u" && parameters.startsWith("<"))
      this.#keyboards = Math.max(0, this.#keyboards - (Number(parameters.slice(1)) || 1));
    else if (end === "p" && parameters === "!") {
      for (const mode of [1, 6, 7, 25, 66]) this.#changed.delete(mode);
      this.#margins = this.#keypad = false;
    }
  }

  #mode(mode: number, on: boolean): void {
    if (OTHER_SCREEN.includes(mode)) this.#otherScreen = on ? mode : undefined;
    else if (!KEPT.has(mode)) return;
    else if (on === ON_BY_DEFAULT.has(mode)) this.#changed.delete(mode);
    else this.#changed.add(mode);
  }
}
