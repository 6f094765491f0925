// Redacts text that comes in pieces: what could be the beginning of a secret waits until it is known.
import { type Redactor, replaced } from "./redactor.ts";

/** What waits: longer than any secret but a private key, which holds back itself. In characters. */
const HELD = 4 * 1024;
/** What was let go and is kept to tell what follows: names, line widths. */
const CONTEXT = 2 * 1024;
/** Small pieces are looked at together. */
const TOGETHER = 4 * 1024;
/** No more than this waits, whatever it looks like. */
const MOST = 64 * 1024;

export class RedactingStream {
  readonly #redactor: Pick<Redactor, "spans">;
  #text = "";
  /** Up to here it was let go. */
  #out = 0;
  #quiet = false;

  constructor(redactor: Pick<Redactor, "spans">) {
    this.#redactor = redactor;
  }

  /** Characters that wait. */
  get waiting(): number {
    return this.#text.length - this.#out;
  }

  /** Takes a piece; answers what can be let go. */
  push(piece: string): string {
    this.#text += piece;
    this.#quiet = false;
    return this.waiting < HELD + TOGETHER ? "" : this.#upTo(this.#text.length - HELD);
  }

  /**
   * For a live view, when nothing has come for a while: lets go of all but a last word or secret that may go on. Called
   * again without anything in between it lets go of that too.
   */
  flush(): string {
    if (this.waiting === 0) return "";
    if (this.#quiet) return this.#upTo(this.#text.length);
    this.#quiet = true;
    let end = this.#text.length;
    while (end > this.#out && this.#text.charCodeAt(end - 1) > 0x20) end--;
    return this.#upTo(end);
  }

  /** The rest. Nothing may be pushed afterwards. */
  end(): string {
    const text = this.#text;
    const rest = replaced(text, this.#out, text.length, this.#redactor.spans(text));
    this.#text = "";
    this.#out = 0;
    return rest;
  }

  #upTo(wanted: number): string {
    const text = this.#text;
    const spans = this.#redactor.spans(text);
    let cut = wanted;
    // A secret is let go as a whole: until its end is known, it waits.
    for (const { start, end } of spans) if (start < cut && cut < end && text.length - start < MOST) cut = start;
    for (const { start, end } of spans)
      if (end === text.length && wanted < text.length && start < cut && text.length - start < MOST) cut = start;
    const unit = text.charCodeAt(cut);
    if (unit >= 0xdc00 && unit <= 0xdfff) cut--;
    if (cut <= this.#out) return "";
    const through = spans.find(({ start, end }) => start < cut && cut < end);
    const clean = replaced(text, this.#out, cut, spans);
    this.#out = through === undefined ? cut : through.end;
    const forget = Math.max(0, this.#out - CONTEXT);
    this.#text = text.slice(forget);
    this.#out -= forget;
    return clean;
  }
}
