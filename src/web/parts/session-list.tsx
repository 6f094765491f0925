// The conversations, the latest first: choose, begin, rename, delete.
import { memo, useEffect, useRef, useState } from "react";
import type { SessionRow } from "../../protocol/rows.ts";
import { ago } from "../words.ts";
import { Check, Cross, Pencil, Plus, Trash } from "./icons.tsx";

export interface SessionListProps {
  sessions: readonly SessionRow[] | null;
  current: string | null;
  onSelect: (id: string) => void;
  onNew: () => void;
  onRename: (id: string, title: string) => Promise<unknown>;
  /** `end`: with everything that runs in it. */
  onDelete: (id: string, end: boolean) => Promise<unknown>;
}

export const SessionList = memo(function SessionList(props: SessionListProps) {
  const { sessions, current, onNew } = props;
  const now = useMinute();
  return (
    <div className="flex min-h-0 flex-1 flex-col">
      <div className="px-3 pb-3">
        <button type="button" data-testid="new-session" className="btn w-full justify-start!" onClick={onNew}>
          <Plus size={16} className="text-ember" /> New conversation
        </button>
      </div>
      <ul
        data-testid="session-list"
        aria-label="Conversations"
        className="min-h-0 flex-1 space-y-0.5 overflow-y-auto px-2 pb-3"
      >
        {sessions?.map((session) => (
          <Row
            key={session.session_id}
            session={session}
            active={session.session_id === current}
            now={now}
            list={props}
          />
        ))}
        {sessions?.length === 0 && <li className="px-3 py-2 text-sm text-faint">None yet. Say something.</li>}
      </ul>
    </div>
  );
});

type RowProps = { session: SessionRow; active: boolean; now: number; list: SessionListProps };

function Row({ session, active, now, list }: RowProps) {
  const [state, setState] = useState<"plain" | "renaming" | "deleting">("plain");
  const [problem, setProblem] = useState<string | null>(null);
  const id = session.session_id;
  const run = (work: Promise<unknown>) => {
    setProblem(null);
    work.then(
      () => setState("plain"),
      (error: unknown) => setProblem(error instanceof Error ? error.message : String(error)),
    );
  };
  if (state === "renaming") {
    return (
      <li className="px-1 py-1">
        <Rename
          title={session.title}
          onDone={(title) =>
            title === null || title === session.title ? setState("plain") : run(list.onRename(id, title))
          }
        />
        {problem !== null && <p className="px-2 pt-1 text-xs text-bad">{problem}</p>}
      </li>
    );
  }
  return (
    <li
      data-testid="session-row"
      data-session-id={id}
      className={`group relative rounded-xl ${active ? "bg-raised shadow-[0_1px_3px_var(--shadow)]" : "hover:bg-raised/60"}`}
    >
      <button
        type="button"
        className="flex min-h-11 w-full items-center gap-2 rounded-xl py-1.5 pr-2 pl-3 text-left"
        aria-current={active ? "page" : undefined}
        onClick={() => list.onSelect(id)}
      >
        <span className="min-w-0 flex-1">
          <span className={`block truncate text-sm leading-snug ${active ? "font-medium" : "text-soft"}`}>
            {session.title || "New conversation"}
          </span>
          <span className="block truncate text-2xs text-faint">{ago(session.updated_at, now)}</span>
        </span>
        {session.pending > 0 ? (
          <span
            data-testid="pending-badge"
            className="grid size-5 place-items-center rounded-full bg-ember text-2xs font-semibold text-on-ember"
          >
            {session.pending}
            <span className="sr-only"> waiting for you</span>
          </span>
        ) : (
          session.turn_id !== null && (
            <span data-testid="busy-dot" className="ember-dot mr-1.5" role="img" aria-label="at work" />
          )
        )}
      </button>
      {state === "plain" && (
        <span
          className={`absolute top-1/2 right-1 flex -translate-y-1/2 rounded-lg bg-raised opacity-0 group-hover:opacity-100 focus-within:opacity-100 ${active ? "pointer-coarse:static pointer-coarse:translate-y-0 pointer-coarse:px-2 pointer-coarse:pb-1 pointer-coarse:opacity-100" : "pointer-coarse:hidden"}`}
        >
          <button
            type="button"
            className="icon-btn pointer-fine:size-8!"
            aria-label={`Rename ${session.title}`}
            onClick={() => setState("renaming")}
          >
            <Pencil size={15} />
          </button>
          <button
            type="button"
            className="icon-btn pointer-fine:size-8!"
            aria-label={`Delete ${session.title}`}
            onClick={() => {
              setProblem(null);
              setState("deleting");
            }}
          >
            <Trash size={15} />
          </button>
        </span>
      )}
      {state === "deleting" && (
        <div className="flex items-center gap-1 px-3 pb-2 text-xs text-soft" role="alert">
          <span className="flex-1">{problem ?? "Delete it for good?"}</span>
          <button
            type="button"
            data-testid="confirm-delete"
            className="btn pointer-fine:min-h-8! px-2! text-xs! text-bad"
            onClick={() => run(list.onDelete(id, problem !== null))}
          >
            {problem === null ? "Delete" : "End all and delete"}
          </button>
          <button
            type="button"
            className="btn btn-quiet pointer-fine:min-h-8! px-2! text-xs!"
            onClick={() => setState("plain")}
          >
            Keep
          </button>
        </div>
      )}
    </li>
  );
}

/** A title being changed: Enter or the tick keeps it, Escape or the cross does not. */
export function Rename({ title, onDone }: { title: string; onDone: (title: string | null) => void }) {
  const [text, setText] = useState(title);
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => field.current?.select(), []);
  return (
    <form
      className="flex items-center gap-0.5"
      onSubmit={(event) => {
        event.preventDefault();
        onDone(text.trim() || null);
      }}
    >
      <input
        ref={field}
        className="field min-w-0 text-sm"
        aria-label="Title"
        maxLength={200}
        value={text}
        onChange={(event) => setText(event.target.value)}
        onKeyDown={(event) => {
          if (event.key !== "Escape") return;
          event.stopPropagation();
          onDone(null);
        }}
      />
      <button type="submit" className="icon-btn pointer-fine:size-8!" aria-label="Keep this title">
        <Check size={16} />
      </button>
      <button
        type="button"
        className="icon-btn pointer-fine:size-8!"
        aria-label="Leave the title as it was"
        onClick={() => onDone(null)}
      >
        <Cross size={16} />
      </button>
    </form>
  );
}

/** The time, good to the minute, so that "5 min" does not stand still. */
function useMinute(): number {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 30_000);
    return () => clearInterval(timer);
  }, []);
  return now;
}
