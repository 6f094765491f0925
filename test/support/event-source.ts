// A client of server-sent events as any language has one: it reads blocks, remembers the last id, and comes back with it.
import assert from "node:assert/strict";
import { setTimeout as delay } from "node:timers/promises";
import type { RunningHost } from "./running-host.ts";

export interface SourceEvent {
  id: number;
  name: string;
  data: unknown;
}

/** Reads one stream until its end, until `enough` says so, or until the connection breaks. */
async function readStream(
  response: Response,
  take: (event: SourceEvent) => boolean,
): Promise<"ended" | "enough" | "broken"> {
  const decoder = new TextDecoder();
  let text = "";
  try {
    for await (const chunk of response.body ?? []) {
      text += decoder.decode(chunk, { stream: true });
      for (let end = text.indexOf("\n\n"); end >= 0; end = text.indexOf("\n\n")) {
        const block = text.slice(0, end);
        text = text.slice(end + 2);
        if (block.startsWith(":")) continue;
        const field = (name: string) => new RegExp(`^${name}: (.*)$`, "m").exec(block)?.[1] ?? "";
        assert.match(field("id"), /^\d+$/, block);
        const event = { id: Number(field("id")), name: field("event"), data: JSON.parse(field("data")) as unknown };
        if (take(event)) return "enough";
      }
    }
    return "ended";
  } catch (error) {
    if (error instanceof assert.AssertionError) throw error;
    return "broken"; // the host is gone: the next one is asked for the rest
  }
}

/** A host that cannot be reached for so long is not on its way back. */
const AWAY_MS = 60_000;

export class EventSourceClient {
  readonly events: SourceEvent[] = [];
  readonly #host: RunningHost;
  readonly #path: string;
  /** How often a connection broke. */
  breaks = 0;

  constructor(host: RunningHost, path: string) {
    this.#host = host;
    this.#path = path;
  }

  /** Follows over any number of broken connections until the stream ends, or `enough` says so of an event. */
  async follow(enough: (event: SourceEvent) => boolean = () => false): Promise<void> {
    for (let reached = performance.now(); ; ) {
      assert.ok(performance.now() - reached < AWAY_MS, `the host has not been there for ${AWAY_MS} ms`);
      const last = this.events.at(-1)?.id;
      const headers: Record<string, string> = last === undefined ? {} : { "last-event-id": String(last) };
      const response = await this.#host.fetch(this.#path, { headers }).catch(() => undefined);
      if (response?.ok === true) {
        assert.equal(response.headers.get("content-type"), "text/event-stream; charset=utf-8");
        const take = (event: SourceEvent) => {
          this.events.push(event);
          return enough(event);
        };
        if ((await readStream(response, take)) !== "broken") return;
        reached = performance.now();
      } else if (response !== undefined) {
        // A host that is on its way out says so; anything else is no answer to wait for.
        assert.equal(response.status, 503, await response.text());
      }
      this.breaks++;
      await delay(20);
    }
  }
}
