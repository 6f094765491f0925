// Streamed text on its way into the log: one append in flight, what gathers meanwhile is the next.
import type { NewEvent } from "../protocol/events.ts";
import { newEvent } from "../protocol/events.ts";

/** Characters that may wait; a model that is faster than the disk is held back there. */
const MOST_WAITING = 64 * 1024;

type Kind = "message.delta" | "reasoning.delta";

export class Deltas {
  readonly #turnId: string;
  readonly #messageId: string;
  readonly #append: (events: NewEvent[]) => Promise<unknown>;
  #waiting: { kind: Kind; text: string }[] = [];
  #size = 0;
  #written = 0;
  #flight: Promise<void> | undefined;
  /** Why nothing is written any more: told to whoever gives more, or waits for what was given. */
  #failed: { error: unknown } | undefined;

  constructor(turnId: string, messageId: string, append: (events: NewEvent[]) => Promise<unknown>) {
    this.#turnId = turnId;
    this.#messageId = messageId;
    this.#append = append;
  }

  /** Deltas given so far; 0 means nobody has seen anything of this message. */
  get count(): number {
    return this.#written + this.#waiting.length;
  }

  /** Resolves when there is room for more. Rejects with the log's error. */
  async add(kind: Kind, text: string): Promise<void> {
    if (text === "") return;
    this.#throwIfFailed();
    const last = this.#waiting.at(-1);
    if (last?.kind === kind) last.text += text;
    else this.#waiting.push({ kind, text });
    this.#size += text.length;
    this.#flight ??= this.#fly();
    if (this.#size > MOST_WAITING) await this.settled();
  }

  /** Resolves when everything given is durable. Rejects with the log's error. */
  async settled(): Promise<void> {
    await this.#flight;
    this.#throwIfFailed();
  }

  #throwIfFailed(): void {
    if (this.#failed !== undefined) throw this.#failed.error;
  }

  /** Never rejects: often nobody waits for it. */
  async #fly(): Promise<void> {
    // The microtask lets everything that came in the same read from the provider into one append.
    await Promise.resolve();
    try {
      while (this.#waiting.length > 0) {
        const batch = this.#waiting;
        this.#waiting = [];
        this.#size = 0;
        await this.#append(
          batch.map(({ kind, text }) =>
            newEvent(kind, `${this.#messageId}:${this.#written++}`, {
              turn_id: this.#turnId,
              message_id: this.#messageId,
              text,
            }),
          ),
        );
      }
    } catch (error) {
      this.#failed = { error };
    }
    this.#flight = undefined;
  }
}
