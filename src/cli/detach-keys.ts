// The keys that let go of a terminal: found among what is typed, and kept from the program inside.
import { CliError, EXIT } from "./failure.ts";

export const DETACH_KEYS = "ctrl-p ctrl-q";

/** Ctrl alone, and with Caps Lock, Num Lock or both, as the newer keyboard protocols number them. */
const CTRL = [5, 69, 133, 197];

/** One key in every form a terminal may send it, as text of one character per byte. */
function formsOf(name: string): readonly string[] {
  const control = /^ctrl-([a-z@[\\\]^_])$/i.exec(name)?.[1]?.toLowerCase();
  if (control === undefined) {
    if (/^[\x21-\x7e]$/.test(name)) return [name];
    throw new CliError(
      `"${name}" is no key to detach with: name keys like ctrl-p, ctrl-] or q, with spaces or commas between them.`,
      EXIT.usage,
    );
  }
  const code = control.charCodeAt(0);
  // Programs such as editors ask the terminal for keys in the form of kitty or of modifyOtherKeys.
  const newer = CTRL.flatMap((held) => [
    `\x1b[${code};${held}u`,
    `\x1b[${code};${held}:1u`,
    `\x1b[27;${held};${code}~`,
  ]);
  return [String.fromCharCode(code & 0x1f), ...newer];
}

export class DetachKeys {
  /** As a person reads them: "Ctrl-P Ctrl-Q". */
  readonly label: string;
  readonly #keys: readonly (readonly string[])[];
  /** What may be the beginning of the keys, and was not passed on yet. */
  #held = "";

  /** `text` names the keys, as docker and the like do: `ctrl-p,ctrl-q`. Throws CliError for what is no key. */
  constructor(text: string) {
    const names = text.split(/[\s,]+/).filter((name) => name !== "");
    if (names.length === 0) throw new CliError("No key to detach with: name at least one, like ctrl-p.", EXIT.usage);
    this.#keys = names.map(formsOf);
    this.label = names
      .map((name) => name.replace(/^ctrl-(.)$/i, (_, key: string) => `Ctrl-${key.toUpperCase()}`))
      .join(" ");
  }

  /** What of these bytes is for the program; `detach` once all keys were pressed, and then nothing after them counts. */
  take(chunk: Buffer): { pass: Buffer; detach: boolean } {
    let rest = this.#held + chunk.toString("latin1");
    this.#held = "";
    let pass = "";
    while (rest !== "") {
      const at = this.#nextStart(rest);
      pass += rest.slice(0, at);
      rest = rest.slice(at);
      if (rest === "") break;
      const found = this.#match(rest, 0);
      if (found === "all") return { pass: Buffer.from(pass, "latin1"), detach: true };
      if (found === "some") {
        this.#held = rest;
        break;
      }
      pass += rest.slice(0, 1);
      rest = rest.slice(1);
    }
    return { pass: Buffer.from(pass, "latin1"), detach: false };
  }

  /** True while a key is kept back because the next one may follow. */
  get holding(): boolean {
    return this.#held !== "";
  }

  /** The next key did not come: what was kept back is for the program after all. */
  release(): Buffer {
    const held = Buffer.from(this.#held, "latin1");
    this.#held = "";
    return held;
  }

  /** Where the first key could begin: big pastes are not looked at byte by byte. */
  #nextStart(text: string): number {
    const places = [...new Set((this.#keys[0] ?? []).map((form) => form.slice(0, 1)))]
      .map((first) => text.indexOf(first))
      .filter((at) => at !== -1);
    return Math.min(text.length, ...places);
  }

  /** `some`: at least one whole key, and then the end of what is known. A part of one key is never waited for. */
  #match(text: string, key: number): "all" | "some" | "none" {
    if (text === "") return key > 0 ? "some" : "none";
    for (const form of this.#keys[key] ?? []) {
      if (text.startsWith(form))
        return key + 1 === this.#keys.length ? "all" : this.#match(text.slice(form.length), key + 1);
    }
    return "none";
  }
}
