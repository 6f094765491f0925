// The conversation that the address names, and what a person can do in it.
import { useCallback, useEffect, useMemo, useState, useSyncExternalStore } from "react";
import { emptySession, type SessionState } from "../client/fold.ts";
import type { Answers } from "./answers.ts";
import { type Conversation, openConversation } from "./conversation.ts";
import { draftBegins } from "./drafts.ts";
import type { Hub } from "./hub.ts";
import { OneAtATime } from "./one-at-a-time.ts";
import { parseHash, sessionHash } from "./route.ts";

export interface Page {
  /** The session in the address; null: a conversation that has not begun. */
  id: string | null;
  /** The address asks for its terminals alone. */
  wide: boolean;
  /** The address asks for the board of all processes; the session is the one it named last. */
  board: boolean;
  /** The folder that the address asks to work in. */
  folder: string | null;
  /** The tool call that the address asks for. */
  call: string | null;
  session: SessionState;
  loaded: boolean;
  problem: string | null;
  answers: Answers;
  go(id: string | null): void;
  /** Begins a conversation where this one works, else where a person last wanted to. */
  begin(): Promise<string>;
  setWide(wide: boolean): void;
  send(text: string, mode: "queue" | "steer"): Promise<void>;
  stop(): void;
  /** The session of this page, made if there is none. */
  ensure(): Promise<string>;
  setWorkspace(path: string): Promise<void>;
  setModel(model: string): Promise<void>;
}

const nothing = emptySession("");

function subscribeHash(listener: () => void): () => void {
  window.addEventListener("hashchange", listener);
  return () => window.removeEventListener("hashchange", listener);
}

let last: string | null = null;
/** The board belongs to no session: what was open before stays so behind it. */
function sessionNow(): string | null {
  const { session, board } = parseHash(location.hash);
  if (!board) last = session;
  return last;
}

function go(id: string | null): void {
  if (parseHash(location.hash).session !== id) location.hash = sessionHash(id);
}

function setWide(wide: boolean): void {
  const { session, terminals } = parseHash(location.hash);
  if (session !== null && terminals !== wide) location.hash = sessionHash(session, wide);
}

export function usePage(hub: Hub): Page {
  const id = useSyncExternalStore(subscribeHash, sessionNow);
  const board = useSyncExternalStore(subscribeHash, () => parseHash(location.hash).board);
  const call = useSyncExternalStore(subscribeHash, () => parseHash(location.hash).call);
  const folder = useSyncExternalStore(subscribeHash, () => parseHash(location.hash).folder);
  const wide = useSyncExternalStore(subscribeHash, () => parseHash(location.hash).terminals);
  const conversation = useOpen(hub, id);
  const subscribe = useCallback(
    (listener: () => void) => conversation?.state.subscribe(listener) ?? (() => undefined),
    [conversation],
  );
  const shown = useSyncExternalStore(subscribe, () => conversation?.state.get() ?? null);
  const session = shown?.session ?? nothing;

  const answers = useMemo<Answers>(
    () => ({
      approve: (request_id, choice) => hub.client.call("approval.respond", { request_id, choice }),
      clarify: (request_id, answer) => hub.client.call("clarify.respond", { request_id, answer }),
      withdraw: (turn_id) => hub.client.call("session.interrupt", { session_id: id ?? "", turn_id }),
    }),
    [hub, id],
  );

  const [making] = useState(() => new OneAtATime<string>());
  const make = useCallback(
    (work: () => Promise<{ session_id: string }>) =>
      making.begin(async () => {
        const { session_id } = await work();
        if (sessionNow() === null) draftBegins(session_id);
        go(session_id);
        hub.refreshSessions();
        return session_id;
      }),
    [hub, making],
  );
  const here = session.workspace;
  const begin = useCallback(
    () =>
      make(async () =>
        folder === null
          ? beginNear(hub, here === "" ? null : here)
          : hub.client.call("session.create", { workspace: folder }),
      ),
    [hub, make, folder, here],
  );
  // By the address, not by what is drawn: that comes a moment later, and meanwhile another one would be begun.
  const ensure = useCallback(async () => sessionNow() ?? (await begin()), [begin]);

  const send = useCallback(
    async (text: string, mode: "queue" | "steer") => {
      const session_id = await ensure();
      const key = promptKey();
      const prompt = { session_id, text, mode, key };
      try {
        await hub.client.call("prompt.submit", prompt);
      } catch (error) {
        // Its answer may be what was lost, not the prompt: the key makes asking again harmless.
        if (!(error instanceof Error && "reason" in error && error.reason === "disconnected")) throw error;
        await hub.client.call("prompt.submit", prompt);
      }
    },
    [hub, ensure],
  );

  const stop = useCallback(() => {
    if (id === null) return;
    hub.client
      .call("session.interrupt", { session_id: id })
      .catch((error: unknown) => console.warn("stopping the turn failed", error));
  }, [hub, id]);

  const setWorkspace = useCallback(
    async (path: string) => {
      // One that is being begun is the one that is meant.
      const session_id = (await making.underWay) ?? sessionNow();
      if (session_id === null) await make(() => hub.client.call("session.create", { workspace: path }));
      else await hub.client.call("session.workspace", { session_id, workspace: path });
    },
    [hub, make, making],
  );

  const setModel = useCallback(
    async (model: string) => {
      await hub.client.call("model.set", { model, session_id: await ensure() });
    },
    [hub, ensure],
  );

  return {
    id,
    wide,
    board,
    call,
    folder,
    session,
    loaded: id === null || (shown?.loaded ?? false),
    problem: shown?.problem ?? null,
    ...{ answers, go, setWide, send, stop, begin, ensure, setWorkspace, setModel },
  };
}

/** A new conversation in this folder; one that nobody has named now, and that is gone, stands in nobody's way. */
async function beginNear(hub: Hub, folder: string | null) {
  if (folder !== null) {
    try {
      return await hub.client.call("session.create", { workspace: folder });
    } catch (error) {
      if (!(error instanceof Error && "reason" in error && error.reason === "workspace_invalid")) throw error;
    }
  }
  return hub.client.call("session.create", {});
}

/** Opens the session while it is the one in the address. */
function useOpen(hub: Hub, id: string | null): Conversation | null {
  const [conversation, setConversation] = useState<Conversation | null>(null);
  useEffect(() => {
    if (id === null) {
      setConversation(null);
      return;
    }
    const opened = openConversation(hub, id);
    setConversation(opened);
    return () => opened[Symbol.dispose]();
  }, [hub, id]);
  // Between two sessions the old one must not be shown under the new one's address.
  return conversation?.id === id ? conversation : null;
}

/** 96 random bits; works without the secure context that `crypto.randomUUID` wants. */
function promptKey(): string {
  return Array.from(crypto.getRandomValues(new Uint32Array(3)), (word) => word.toString(36)).join("-");
}
