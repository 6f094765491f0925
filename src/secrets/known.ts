// Values that are known to be secret, and every way in which a program may write them.
import { Finder, type Literal } from "./finder.ts";
import { squeezed } from "./view.ts";

/** Shorter values stand in too many texts by accident. */
export const SHORTEST = 8;
const LONGEST = 16 * 1024;
/** Past this many the oldest is forgotten: processes come and go with variables of their own. */
const MOST_VALUES = 2_048;
const MOST_LASTING = 256;
/** A long value is found by its beginning, and followed as far as the text goes with it. */
const NEEDLE = 48;

export interface Needle {
  text: string;
  label: string;
  fold: boolean;
}

export class Known {
  readonly #values = new Map<string, string>();
  /** Those of Hearth itself, which no number of other values pushes out. */
  readonly #lasting = new Set<string>();
  #finder: Finder<Needle> | null = null;

  /**
   * False where the value is too short, or a word or path that is no secret; `said`: a person says that it is one. `lasting`: no
   * number of others pushes it out.
   */
  learn(label: string, value: string, { lasting = false, said = false } = {}): boolean {
    if (said ? value.length < SHORTEST || value.length > LONGEST : !isTelling(value)) return false;
    if (lasting && this.#lasting.size < MOST_LASTING) this.#lasting.add(value);
    // Learnt again it is the youngest.
    const before = this.#values.get(value);
    if (before !== undefined) {
      this.#values.delete(value);
      this.#values.set(value, before);
      return true;
    }
    for (const oldest of this.#values.keys()) {
      if (this.#values.size < MOST_VALUES) break;
      if (!this.#lasting.has(oldest)) this.#values.delete(oldest);
    }
    this.#values.set(value, label);
    this.#finder = null;
    return true;
  }

  get size(): number {
    return this.#values.size;
  }

  values(): Iterable<[value: string, label: string]> {
    return this.#values;
  }

  get finder(): Finder<Needle> {
    this.#finder ??= new Finder(this.#literals());
    return this.#finder;
  }

  *#literals(): Generator<Literal<Needle>> {
    for (const [value, label] of this.#values)
      for (const { text, fold } of written(value)) {
        const needle = { text, label, fold };
        yield { text: text.slice(0, NEEDLE), fold, of: needle };
      }
  }
}

const words = new Set([
  "password",
  "changeme",
  "undefined",
  "disabled",
  "required",
  "localhost",
  "postgres",
  "username",
]);

/** Not too short, not a word, not a path, not all the same. */
function isTelling(value: string): boolean {
  if (value.length < SHORTEST || value.length > LONGEST || words.has(value.toLowerCase())) return false;
  if (
    /^[~.]?\/[\w./-]*$/.test(value) &&
    /^[~.]?\/(?:home|etc|usr|var|tmp|root|opt|run|srv|mnt|app|Users)\b/.test(value)
  )
    return false;
  // The name of a variable says where a secret is, and is none.
  if (/^[A-Z][A-Z_]*$/.test(value)) return false;
  return !/^(.)\1*$/.test(value) && !/^[a-z]{8,12}$/.test(value) && !/^https?:\/\/[\w.:/-]*$/.test(value);
}

/** The value as it is and in its encodings, each without what may stand in the middle of it. */
function written(value: string): { text: string; fold: boolean }[] {
  const bytes = Buffer.from(value);
  const ways = new Set<string>([value]);
  const json = JSON.stringify(value).slice(1, -1);
  ways.add(json);
  ways.add(JSON.stringify(json).slice(1, -1));
  // As PHP and Go write JSON.
  ways.add(json.replaceAll("/", "\\/"));
  ways.add(json.replace(/[<>&]/g, (character) => `\\u00${character.charCodeAt(0).toString(16)}`));
  ways.add(encodeURIComponent(value));
  ways.add(encodeURI(value));
  ways.add(new URLSearchParams({ a: value }).toString().slice(2));
  ways.add(value.replaceAll("'", "'\\''"));
  ways.add(value.replace(/[^\w@%+=:,./-]/g, "\\$&"));
  // Decoded runs are read byte by byte.
  ways.add(bytes.toString("latin1"));
  for (let shift = 0; shift < 3; shift++) {
    const inner = inBase64(bytes, shift);
    ways.add(inner);
    ways.add(inner.replaceAll("+", "-").replaceAll("/", "_"));
  }
  const result = Array.from(ways, (text) => ({ text: squeezed(text).text, fold: false }));
  const percent = [...bytes].map((byte) => `%${byte.toString(16).padStart(2, "0")}`).join("");
  result.push({ text: bytes.toString("hex"), fold: true }, { text: percent, fold: true });
  // The same in lower case, as some write percent codes.
  result.push({ text: encodeURIComponent(value).replace(/%[0-9A-F]{2}/g, (code) => code.toLowerCase()), fold: false });
  return result.filter(({ text }) => text.length >= SHORTEST);
}

/** The characters that the bytes decide by themselves where `shift` others stand before them in the encoded text. */
function inBase64(bytes: Buffer, shift: number): string {
  const encoded = Buffer.concat([Buffer.alloc(shift), bytes]).toString("base64");
  const first = Math.ceil((shift * 8) / 6);
  const last = Math.floor(((shift + bytes.length) * 8) / 6);
  return encoded.slice(first, last);
}
