// What processes use, as the page remembers it: asked for while somebody looks, the last minutes of it, for those looked at.
import type { HearthClient } from "../../client/client.ts";
import type { Result } from "../../protocol/methods.ts";
import { type Store, store } from "../store.ts";

type Answer = Result<"process.usage">;
export type Sample = Answer["samples"][number];

/** What one process has used lately: a null is a moment of which nothing is known. */
export interface History {
  readonly last: Sample;
  readonly cpu: readonly (number | null)[];
  readonly memory: readonly (number | null)[];
}
export interface UsageState {
  readonly histories: ReadonlyMap<string, History>;
  /** Why nothing can be known here at all. */
  readonly unavailable: string | null;
}

export const KEPT = 60;
export const EVERY_MS = 2_000;
/** Asked for at once, whoever looks at how many. */
const MOST_ASKED = 400;

/** One more sample for each; those that are no longer sampled are forgotten. */
export function remember(histories: ReadonlyMap<string, History>, { samples }: Answer): Map<string, History> {
  const next = new Map<string, History>();
  for (const sample of samples) {
    const before = histories.get(sample.process_id);
    const add = (values: readonly (number | null)[] = [], value: number | null) => [...values, value].slice(-KEPT);
    next.set(sample.process_id, {
      last: sample,
      cpu: add(before?.cpu, sample.cpu),
      memory: add(before?.memory, sample.memory_bytes),
    });
  }
  return next;
}

/** `call` asks the host; it may fail, and the next time is another. */
export class UsageWatch {
  readonly state: Store<UsageState> = store<UsageState>({ histories: new Map(), unavailable: null });
  readonly #client: () => HearthClient;
  readonly #wanted = new Map<symbol, readonly string[]>();
  #timer: ReturnType<typeof setInterval> | undefined;
  #asking = false;

  constructor(client: () => HearthClient) {
    this.#client = client;
  }

  /** Samples these until disposed. */
  watch(ids: readonly string[]): Disposable {
    const key = Symbol("watcher");
    const isNew = ids.some((id) => !this.state.get().histories.has(id));
    this.#wanted.set(key, ids);
    this.#timer ??= setInterval(() => void this.#ask(), EVERY_MS);
    if (isNew) void this.#ask();
    return {
      [Symbol.dispose]: () => {
        this.#wanted.delete(key);
        if (this.#wanted.size > 0) return;
        clearInterval(this.#timer);
        this.#timer = undefined;
      },
    };
  }

  async #ask(): Promise<void> {
    const process_ids = [...new Set([...this.#wanted.values()].flat())].slice(0, MOST_ASKED);
    if (this.#asking || process_ids.length === 0 || document.visibilityState !== "visible") return;
    this.#asking = true;
    try {
      const answer = await this.#client().call("process.usage", { process_ids });
      const { histories } = this.state.get();
      this.state.set({ histories: remember(histories, answer), unavailable: answer.available ? null : answer.reason });
    } catch (error) {
      console.warn("what processes use could not be read", error);
    } finally {
      this.#asking = false;
    }
  }
}
