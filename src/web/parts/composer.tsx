// Where the person writes. Enter sends, Shift+Enter breaks the line; while a turn runs, the words queue up or steer it.
import { type KeyboardEvent, memo, useEffect, useLayoutEffect, useRef, useState } from "react";
import { draftOf, keepDraft } from "../drafts.ts";
import { atDraft, type Recall, step } from "../recall.ts";
import { Send, Stop } from "./icons.tsx";

export interface ComposerProps {
  /** What is being written is kept for each. */
  sessionId: string | null;
  busy: boolean;
  queued: number;
  offline: boolean;
  /** The person's earlier prompts, oldest first. */
  prompts: () => readonly string[];
  /** Rejects with a sentence for the person; the words then come back into the field. */
  onSend: (text: string, mode: "queue" | "steer") => Promise<void>;
  onStop: () => void;
  /** Text put in from outside (an example prompt), until it is there. */
  insert: { text: string } | null;
  onInserted: () => void;
}

/** Where the keyboard stays when a conversation comes into view. */
const ELSEWHERE = "input, textarea, select, dialog, [role=dialog]";

export const Composer = memo(function Composer(props: ComposerProps) {
  const { sessionId, busy, queued, offline, prompts, onSend, onStop, insert, onInserted } = props;
  const [text, setText] = useState(() => draftOf(sessionId));
  const [mode, setMode] = useState<"queue" | "steer">("queue");
  const [problem, setProblem] = useState<string | null>(null);
  const [sending, setSending] = useState<readonly string[]>([]);
  const recall = useRef<Recall>(atDraft);
  const field = useRef<HTMLTextAreaElement>(null);

  useEffect(() => {
    // Its conversation can arrive while a person is writing elsewhere: their keys are not for this one.
    if (document.activeElement?.closest(ELSEWHERE)) return;
    // With a finger a focused field would raise the keyboard over what one came to read.
    if (window.matchMedia("(pointer: fine)").matches) field.current?.focus({ preventScroll: true });
  }, []);
  useEffect(() => keepDraft(sessionId, text), [sessionId, text]);
  // Before anything else happens: an Enter right behind the choice finds the words in the field.
  useLayoutEffect(() => {
    if (insert === null) return;
    setText(insert.text);
    field.current?.focus();
    onInserted();
  }, [insert, onInserted]);

  // biome-ignore lint/correctness/useExhaustiveDependencies: the height follows the text
  useLayoutEffect(() => {
    const element = field.current;
    if (element === null) return;
    element.style.height = "0";
    element.style.height = `${Math.min(element.scrollHeight, window.innerHeight * 0.4)}px`;
  }, [text]);

  const send = () => {
    const words = text.trim();
    if (words === "") return;
    if (offline) {
      setProblem("Not connected: your words stay here. Send them when the host is back.");
      return;
    }
    setText("");
    setProblem(null);
    recall.current = atDraft;
    setSending((now) => [...now, text]);
    onSend(text, busy ? mode : "queue")
      .catch((error: unknown) => {
        setText((now) => (now === "" ? text : now));
        setProblem(error instanceof Error ? error.message : String(error));
      })
      .finally(() => setSending((now) => now.toSpliced(now.indexOf(text), 1)));
  };
  useEffect(() => {
    if (!offline) setProblem(null);
  }, [offline]);

  const key = (event: KeyboardEvent<HTMLTextAreaElement>) => {
    // While an input method composes, Enter and the arrows are its own.
    if (event.nativeEvent.isComposing) return;
    if (event.key === "Enter" && !event.shiftKey && !event.altKey) {
      event.preventDefault();
      send();
      return;
    }
    if (event.key !== "ArrowUp" && event.key !== "ArrowDown") return;
    const { selectionStart, selectionEnd, value } = event.currentTarget;
    const older = event.key === "ArrowUp";
    const edge = older
      ? !value.slice(0, selectionStart).includes("\n")
      : recall.current.back > 0 && !value.slice(selectionEnd).includes("\n");
    if (!edge || selectionStart !== selectionEnd) return;
    const moved = step(recall.current, older ? "older" : "newer", prompts(), value);
    if (moved === null) return;
    event.preventDefault();
    recall.current = moved.recall;
    setText(moved.text);
  };

  return (
    <form
      className="mx-auto w-full max-w-3xl px-4 pb-[max(0.9rem,env(safe-area-inset-bottom))]"
      onSubmit={(event) => {
        event.preventDefault();
        send();
      }}
    >
      {problem !== null && (
        <p className="mb-2 text-sm text-bad" role="alert">
          {problem}
        </p>
      )}
      {sending.length > 0 && <Undelivered texts={sending} />}
      <div className="rounded-2xl border border-line bg-raised shadow-[0_8px_30px_-16px_var(--shadow)] transition-colors focus-within:border-glow/60">
        <textarea
          ref={field}
          data-testid="composer"
          aria-label="Message"
          rows={1}
          className="block max-h-[40vh] min-h-12 w-full resize-none bg-transparent px-4 pt-3 pb-1 leading-relaxed outline-none placeholder:text-faint"
          placeholder={busy ? "Say something while it works…" : "What shall we do?"}
          value={text}
          onChange={(event) => {
            recall.current = atDraft;
            setText(event.target.value);
          }}
          onKeyDown={key}
          spellCheck
        />
        <div className="flex items-center gap-2 px-2 pb-2 pl-4">
          {busy ? (
            <ModeChoice mode={mode} onMode={setMode} />
          ) : (
            <span className="hidden text-xs text-faint sm:inline">Enter sends · Shift+Enter for a new line</span>
          )}
          {queued > 0 && (
            <span data-testid="queued" className="flex-none rounded-full bg-wash px-2 py-0.5 text-xs text-ember">
              {queued} queued
            </span>
          )}
          <span className="flex-1" />
          {busy && (
            <button type="button" data-testid="stop" className="btn" onClick={onStop} title="Stop this turn (Esc)">
              <Stop size={15} /> <span className="max-sm:sr-only">Stop</span>
            </button>
          )}
          <button
            type="submit"
            data-testid="send"
            aria-label="Send"
            className="btn btn-ember aspect-square px-0!"
            disabled={text.trim() === "" || offline}
            title={offline ? "Not connected" : "Send"}
          >
            <Send size={17} />
          </button>
        </div>
      </div>
    </form>
  );
});

/** Most words arrive at once and need no announcement; those of a connection that went silent must not be gone from sight. */
const UNNOTICED_MS = 700;

function Undelivered({ texts }: { texts: readonly string[] }) {
  const [late, setLate] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setLate(true), UNNOTICED_MS);
    return () => clearTimeout(timer);
  }, []);
  if (!late) return null;
  return (
    <ul
      data-testid="undelivered"
      aria-label="Not delivered yet"
      className="mb-2 max-h-40 space-y-1 overflow-y-auto text-sm"
    >
      {texts.map((text, at) => (
        // Texts may be the same; their order is who they are.
        // biome-ignore lint/suspicious/noArrayIndexKey: see above
        <li key={at} className="text-faint">
          <span className="line-clamp-2 whitespace-pre-wrap text-soft">{text}</span> not delivered yet; keep this page
          open
        </li>
      ))}
    </ul>
  );
}

function ModeChoice({ mode, onMode }: { mode: "queue" | "steer"; onMode: (mode: "queue" | "steer") => void }) {
  return (
    <fieldset className="flex items-center rounded-lg bg-sunken p-0.5 text-xs">
      <legend className="sr-only">While the turn runs, what I write</legend>
      {(["queue", "steer"] as const).map((one) => (
        <label
          key={one}
          title={one === "queue" ? "Becomes the next turn" : "Joins the running turn before its next step"}
          className="flex min-h-8 cursor-pointer items-center rounded-md px-2.5 text-soft has-checked:bg-raised has-checked:text-ink has-checked:shadow-xs has-focus-visible:outline-2 has-focus-visible:outline-glow pointer-coarse:min-h-10"
        >
          <input type="radio" name="mode" className="sr-only" checked={mode === one} onChange={() => onMode(one)} />
          {one === "queue" ? "Queue" : "Steer"}
        </label>
      ))}
    </fieldset>
  );
}
