// The conversation: its last entries, held at the newest unless one is reading further up.
import { memo, type ReactNode, useCallback, useEffect, useLayoutEffect, useRef, useState } from "react";
import type { Item, SessionState } from "../../client/fold.ts";
import type { Answers } from "../answers.ts";
import { Entry, Prompt, Threaded } from "./entry.tsx";
import { Down } from "./icons.tsx";

export interface ConversationViewProps {
  session: SessionState;
  answers: Answers;
  /** The tool call that is to be brought into view; null: none. */
  call: string | null;
  onProcess: (id: string) => void;
  /** Shown while there is nothing yet. */
  empty: ReactNode;
}

/** Entries drawn at first, and per "show earlier". */
const PAGE = 300;
/** What is drawn above an entry that a link leads to. */
const NEIGHBOURS = 20;
const FOUND_MS = 2_500;
/** Nearer to the end than this is "at the end". */
const NEAR_PX = 48;

export function ConversationView({ session, answers, call, onProcess, empty }: ConversationViewProps) {
  const { items, queued } = session;
  const [most, setMost] = useState(PAGE);
  const scroller = useRef<HTMLElement>(null);
  const inner = useRef<HTMLDivElement>(null);
  const held = useRef(true);
  /** Where it was scrolled to, as last seen. */
  const top = useRef(0);
  const [away, setAway] = useState(false);

  const nothing = items.length === 0 && queued.length === 0;
  const empties = useRef(nothing);
  empties.current = nothing;
  const toEnd = useCallback(() => {
    held.current = true;
    const element = scroller.current;
    // What is there before anything was said is read from its beginning.
    if (element === null) return;
    element.scrollTop = empties.current ? 0 : element.scrollHeight;
    top.current = element.scrollTop;
  }, []);

  // Whatever grows (text, a live tail, an opened card): the end stays in view while it is held.
  useEffect(() => {
    const element = inner.current;
    if (element === null) return;
    const watcher = new ResizeObserver(() => {
      if (held.current) toEnd();
    });
    watcher.observe(element);
    if (scroller.current !== null) watcher.observe(scroller.current);
    return () => watcher.disconnect();
  }, [toEnd]);

  // One's own words are always shown, wherever one was reading.
  const lastOwn = queued.at(-1)?.key ?? items.findLast((item) => item.kind === "prompt")?.key;
  // biome-ignore lint/correctness/useExhaustiveDependencies: a new prompt is the occasion
  useLayoutEffect(toEnd, [lastOwn, toEnd]);

  // A link leads to one call: it is brought into view once, as soon as it is there.
  const found = useRef<string | null>(null);
  useEffect(() => {
    if (call === null) found.current = null;
    const at = call === null || found.current === call ? -1 : items.findIndex((item) => item.key === call);
    if (call === null || at < 0) return;
    if (items.length - at > most) {
      setMost(items.length - at + NEIGHBOURS);
      return;
    }
    const card = inner.current?.querySelector(`[data-call-id="${CSS.escape(call)}"]`);
    if (card === null || card === undefined) return;
    found.current = call;
    held.current = false;
    card.scrollIntoView({ block: "center" });
    card.animate([{ boxShadow: "0 0 0 3px var(--glow)" }, { boxShadow: "0 0 0 3px transparent" }], FOUND_MS);
  }, [call, items, most]);

  const onScroll = () => {
    const element = scroller.current;
    if (element === null) return;
    // Only who goes up leaves the end: what has grown since the scrolling, and is not shown yet, is nobody's wish.
    const up = element.scrollTop < top.current;
    top.current = element.scrollTop;
    const near = element.scrollHeight - element.scrollTop - element.clientHeight < NEAR_PX;
    held.current = near || (held.current && !up);
    setAway(!held.current && !empties.current);
  };

  const { shown, earlier } = lastDrawn(items, most);
  return (
    <section
      ref={scroller}
      aria-label="Conversation"
      className="relative min-h-0 flex-1 overflow-x-hidden overflow-y-auto [scrollbar-gutter:stable]"
      onScroll={onScroll}
    >
      <div ref={inner} className="mx-auto flex min-h-full w-full max-w-3xl flex-col px-4 pt-6 pb-8">
        {nothing ? (
          empty
        ) : (
          <div role="log" aria-label="Messages" aria-live="off">
            {earlier > 0 && (
              <button type="button" className="btn mx-auto mb-6 flex!" onClick={() => setMost(most + PAGE)}>
                Show earlier ({earlier.toLocaleString()})
              </button>
            )}
            <Entries items={shown} session={session} answers={answers} onProcess={onProcess} />
            <Working session={session} />
            {queued.map((prompt) => (
              <Prompt key={prompt.key} prompt={prompt} onWithdraw={() => answers.withdraw(prompt.turn_id)} />
            ))}
          </div>
        )}
      </div>
      {away && (
        // Without a height: what it stands over must not move when it comes or goes.
        <div className="pointer-events-none sticky bottom-3 flex h-0 items-end justify-center">
          <button
            type="button"
            data-testid="jump-to-latest"
            className="btn pointer-events-auto rounded-full! shadow-[0_6px_20px_-8px_var(--shadow)]"
            onClick={toEnd}
          >
            <Down size={15} /> Jump to latest
          </button>
        </div>
      )}
    </section>
  );
}

/** The last `most` entries that are drawn at all, and how many of those come before them. */
function lastDrawn(items: readonly Item[], most: number): { shown: readonly Item[]; earlier: number } {
  const drawn = items.filter((item) => item.kind !== "turn_end" || item.status !== "done");
  return { shown: drawn.slice(-most), earlier: Math.max(0, drawn.length - most) };
}

type EntriesProps = Pick<ConversationViewProps, "session" | "answers" | "onProcess"> & { items: readonly Item[] };

const Entries = memo(
  function Entries({ items, session, answers, onProcess }: EntriesProps) {
    return items.map((item) => {
      const about = item.kind === "tool" || item.kind === "notice" ? item.process_id : null;
      return (
        <Entry
          key={item.key}
          item={item}
          process={about === null ? undefined : session.processes.get(about)}
          answers={answers}
          onProcess={onProcess}
        />
      );
    });
  },
  (a, b) =>
    a.items === b.items &&
    a.session.processes === b.session.processes &&
    a.answers === b.answers &&
    a.onProcess === b.onProcess,
);

/** The glowing end of the thread, while nothing else shows that something happens. */
function Working({ session }: { session: SessionState }) {
  if (session.turn_id === null) return null;
  const last = session.items.at(-1);
  if (session.pending.length > 0 || (last?.kind === "tool" && last.status === "running")) return null;
  const writing = last?.kind === "message" && last.state === "streaming" && last.text !== "";
  return (
    <Threaded className="flex h-7 items-center">
      <span className="ember-dot absolute bottom-1 left-[2px]" />
      <span className="text-xs text-faint" role="status">
        {writing ? <span className="sr-only">Answering</span> : "Working…"}
      </span>
    </Threaded>
  );
}
