// One conversation as the page shows it: followed from the log, folded a frame's worth of events at a time.
import type { RpcError } from "../client/client.ts";
import { emptySession, foldSessionAll, type SessionState } from "../client/fold.ts";
import type { EventParams } from "../protocol/events.ts";
import { batch, nextFrame } from "./batch.ts";
import type { Hub } from "./hub.ts";
import { type Store, store } from "./store.ts";

export interface ConversationState {
  session: SessionState;
  /** False until what the log held when we came has been folded once: nothing is "empty" before that. */
  loaded: boolean;
  /** Why it cannot be shown (it was deleted, say). */
  problem: string | null;
}

export interface Conversation extends Disposable {
  readonly id: string;
  readonly state: Store<ConversationState>;
}

/** States of conversations shown lately: going back to one reads only what is new in it. */
const lately = new Map<string, SessionState>();
const MOST_KEPT = 6;

/** Follows a session until disposed. */
export function openConversation(hub: Hub, id: string): Conversation {
  const known = lately.get(id) ?? emptySession(id);
  const state = store<ConversationState>({ session: known, loaded: known.seq > 0, problem: null });
  const deltas = batch<EventParams>((events) => {
    const before = state.get().session;
    const session = foldSessionAll(before, events);
    state.set({ session, loaded: true });
    if (session.processes !== before.processes) hub.refreshProcesses();
  }, nextFrame);
  const following = hub.client.follow(id, known.seq, (event) => deltas.add(event), {
    onReset: () => state.set({ session: emptySession(id) }),
    onError: (error: RpcError) => state.set({ problem: error.message, loaded: true }),
  });
  return {
    id,
    state,
    [Symbol.dispose]() {
      following[Symbol.dispose]();
      deltas.flush();
      deltas.stop();
      keep(id, state.get().session, state.get().problem === null);
    },
  };
}

function keep(id: string, session: SessionState, worth: boolean): void {
  lately.delete(id);
  if (worth) lately.set(id, session);
  const oldest = lately.keys().next().value;
  if (lately.size > MOST_KEPT && oldest !== undefined) lately.delete(oldest);
}
