// The one way out: text that a program wrote or a model typed becomes text that may be stored, shown or sent on.
import type { Secret } from "../regex/shape.ts";
import { Extra } from "./extra.ts";
import { inert } from "./inert.ts";
import { Known } from "./known.ts";
import { secretName } from "./names.ts";
import type { RawText } from "./raw.ts";
import { scan } from "./scan.ts";
import { severed } from "./severed.ts";
import { merged, type Span } from "./span.ts";
import { RedactingStream } from "./stream.ts";
import { isString, sequenceEnd } from "./view.ts";

export { joined, type RawText, rawLength, rawText, tidied } from "./raw.ts";
export { RedactingStream } from "./stream.ts";

/** How much before a window has to be read, so that what begins before it is known for what it is. In characters. */
export const MARGIN = 8 * 1024;
/** Longer texts are read in pieces of this many characters. */
const PIECE = 256 * 1024;
const MOST_DEPTH = 32;

export interface RedactorOptions {
  /** Read each time; off lets everything through. */
  on: () => boolean;
  /** Names of variables that count as secret too; read each time. */
  variables?: () => readonly string[];
  /** What else a person takes for secret; read each time, and taken over where it is another list. */
  extra?: () => readonly Secret[];
}
const NOTHING: readonly Secret[] = [];

export class Redactor {
  readonly #known = new Known();
  readonly #on: () => boolean;
  readonly #variables: () => readonly string[];
  readonly #extra = new Extra();
  readonly #given: () => readonly Secret[];

  constructor(options: RedactorOptions = { on: () => true }) {
    this.#on = options.on;
    this.#variables = options.variables ?? (() => []);
    this.#given = options.extra ?? (() => NOTHING);
  }

  /** Takes a value of Hearth's own for a secret from now on. Short ones, words and paths are passed over. */
  learn(label: string, value: string): void {
    this.#known.learn(label.slice(0, 60), value.trim(), { lasting: true });
  }

  /** Learns the values of variables whose names say that they are secret, and of those named. */
  learnEnvironment(environment: Readonly<Record<string, string | undefined>>): void {
    const named = this.#variables();
    for (const [name, value] of Object.entries(environment)) {
      if (value === undefined) continue;
      if (named.includes(name) || secretName(name) !== null) this.#known.learn(name.slice(0, 60), value.trim());
    }
  }

  /** The text with each secret replaced by its name; line breaks and colours stay. Doing it twice changes nothing. */
  text(text: string): string {
    if (!this.#on() || text === "") return text;
    if (text.length <= PIECE) return replaced(text, 0, text.length, this.spans(text));
    const stream = new RedactingStream(this);
    const parts: string[] = [];
    for (let at = 0; at < text.length; at += PIECE) parts.push(stream.push(text.slice(at, at + PIECE)));
    parts.push(stream.end());
    return parts.join("");
  }

  /** What a program wrote, fit to leave the part that read it. */
  clear(raw: RawText): string {
    return this.text(raw as unknown as string);
  }

  /** The part of it from `from` to `to`, with all the rest to tell secrets by; what is secret is not cut in two. */
  part(raw: RawText, from: number, to: number): string {
    const text = raw as unknown as string;
    return replaced(text, from, to, this.spans(text));
  }

  /**
   * Text that a person is to say yes to: hidden is only what can do nothing, so that no command passes for a secret. The
   * rest of what looks like one stays to be read.
   */
  decision(text: string): string {
    if (!this.#on() || text === "") return text;
    return replaced(text, 0, text.length, merged(this.#scan(text).flatMap((span) => inert(text, span))));
  }

  /** Every string in a value that a person is to say yes to. */
  decisions<T>(value: T): T {
    return this.#on() ? (this.#deep(value, "", 0, (text) => this.decision(text)) as T) : value;
  }

  /** Words of a command line: what follows `--token` is known by it. */
  words(words: readonly string[]): string[] {
    return words.map((word, index) => {
      const before = `${words[index - 1] ?? ""} `;
      const clean = index === 0 ? "" : this.text(before + word);
      return clean.startsWith(before) ? clean.slice(before.length) : this.text(word);
    });
  }

  /** Every string in a value, by what it is and by the name it stands under. Returns the value itself if nothing was secret. */
  value<T>(value: T): T {
    return this.#on() ? (this.#deep(value, "", 0, (text, name) => this.#named(name, text)) as T) : value;
  }

  #deep(value: unknown, name: string, depth: number, clean: (text: string, name: string) => string): unknown {
    if (typeof value === "string") return clean(value, name);
    if (value === null || typeof value !== "object" || depth > MOST_DEPTH) return value;
    if (Array.isArray(value)) {
      const items: unknown[] = value.map((item: unknown) => this.#deep(item, name, depth + 1, clean));
      return items.some((item, index) => item !== value[index]) ? items : value;
    }
    const entries = Object.entries(value).map(
      ([key, inner]) => [key, this.#deep(inner, key, depth + 1, clean)] as const,
    );
    return entries.some(([key, inner]) => inner !== (value as Record<string, unknown>)[key])
      ? Object.fromEntries(entries)
      : value;
  }

  #named(name: string, value: string): string {
    const clean = this.text(value);
    if (clean !== value || name === "" || secretName(name) === null || value.length > 512) return clean;
    // As a field of JSON it would be redacted by its name.
    const field = `${JSON.stringify(name)}: ${JSON.stringify(value)}`;
    return this.text(field) === field ? value : `[redacted: ${name.slice(0, 60)}]`;
  }

  /** A stream of text with the same outcome as the whole text at once. */
  stream(): RedactingStream {
    return new RedactingStream(this);
  }

  /** Where the secrets of raw text are. */
  spansOf(raw: RawText): Span[] {
    return this.spans(raw as unknown as string);
  }

  /** Of output whose beginning is no longer kept: how much at its beginning may be the end of a secret. */
  severed(raw: RawText): number {
    return this.#on() ? severed(raw as unknown as string) : 0;
  }

  /** Where the secrets are, sorted and apart from each other. */
  spans(text: string): Span[] {
    return this.#on() ? merged(this.#scan(text)) : [];
  }

  #scan(text: string): Span[] {
    this.#extra.take(this.#given(), this.#known);
    return scan(text, this.#known, this.#extra);
  }
}

/** The part of the text from `from` to `to`, with the spans replaced; a span is not cut in two by either. */
export function replaced(text: string, from: number, to: number, spans: readonly Span[]): string {
  const parts: string[] = [];
  let at = from;
  for (const { start, end, label } of spans) {
    if (end <= from) continue;
    if (start >= to) break;
    parts.push(text.slice(at, Math.max(at, start)), `[redacted: ${label}]`, remains(text, Math.max(from, start), end));
    at = end;
  }
  parts.push(text.slice(at, Math.max(at, to)));
  return parts.join("");
}

/** What stays of a replaced text: its line breaks, so that lines keep their numbers, and its escape sequences. */
function remains(text: string, start: number, end: number): string {
  let kept = "";
  for (let index = start; index < end; index++) {
    const code = text.charCodeAt(index);
    if (code === 0x0a || (code === 0x0d && text.charCodeAt(index + 1) === 0x0a)) kept += text[index];
    else if (code === 0x1b || code === 0x9b) {
      const last = sequenceEnd(text, index);
      // A title or a link could hold the same secret.
      if (last > index && !isString(text, index)) kept += text.slice(index, last);
      index = Math.max(index, last - 1);
    }
  }
  return kept;
}
