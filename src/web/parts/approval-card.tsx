// The agent asks before it acts: what exactly, why, and three answers of which none is the default.
import { memo, useEffect, useRef, useState } from "react";
import { diffNote, isCut } from "../../client/diff.ts";
import type { Answers } from "../answers.ts";
import { DiffLines } from "./diff-lines.tsx";
import { ExactText, exactNote } from "./exact-text.tsx";
import { Chevron, Cross, Hand } from "./icons.tsx";

export interface ApprovalProps {
  request: {
    request_id: string;
    name: string;
    arguments: Record<string, unknown>;
    preview: string;
    diff: string | null;
    reason: string;
    choices: readonly string[];
  };
  /** Null while it waits. */
  settled: string | null;
  answers: Answers;
}

type Choice = "once" | "session" | "always" | "deny";
const buttons: ReadonlyArray<{ choice: Choice; label: string; testId: string; title: string }> = [
  { choice: "once", label: "Allow once", testId: "approve-once", title: "Allow this one call" },
  {
    choice: "session",
    label: "For this session",
    testId: "approve-session",
    title: "Allow such calls in this session",
  },
  { choice: "always", label: "Always", testId: "approve-always", title: "Allow exactly this, from now on" },
  { choice: "deny", label: "Deny", testId: "approve-deny", title: "Refuse; the agent is told" },
];
const verdict: Readonly<Record<string, string>> = {
  once: "Allowed once",
  session: "Allowed for this session",
  always: "Allowed from now on",
  deny: "Denied, not done",
  cancelled: "Stopped before it was answered, not done",
};

/**
 * What the person decides about, word for word: every argument under its name, a text as it is and not as JSON; what has
 * one alone needs no name. The longest text comes last, so that it hides none of the others.
 */
function approvedTexts(args: Record<string, unknown>): { label: string | null; text: string }[] {
  const texts = Object.entries(args).map(([label, value]) => ({
    label,
    text: typeof value === "string" ? value : JSON.stringify(value, null, 2),
  }));
  if (texts.length === 1) return texts.map(({ text }) => ({ label: null, text }));
  return texts.sort((one, other) => one.text.length - other.text.length);
}

export const ApprovalCard = memo(function ApprovalCard({ request, settled, answers }: ApprovalProps) {
  const texts = approvedTexts(request.arguments);
  const { note, hidden } = exactNote(texts.map(({ text }) => text));
  const box = useRef<HTMLElement>(null);
  const [seen, setSeen] = useState(false);
  const [sent, setSent] = useState(false);
  const [problem, setProblem] = useState<string | null>(null);

  // What has not been scrolled to has not been read: no allowing until then.
  useEffect(() => {
    const element = box.current;
    if (element === null) return;
    const look = () => {
      if (element.scrollTop + element.clientHeight >= element.scrollHeight - 4) setSeen(true);
    };
    look();
    const watcher = new ResizeObserver(look);
    watcher.observe(element);
    element.addEventListener("scroll", look, { passive: true });
    return () => {
      watcher.disconnect();
      element.removeEventListener("scroll", look);
    };
  }, []);

  const answer = (choice: Choice) => {
    setSent(true);
    setProblem(null);
    answers.approve(request.request_id, choice).catch((error: unknown) => {
      setSent(false);
      setProblem(error instanceof Error ? error.message : String(error));
    });
  };

  if (settled !== null) return <Settled request={request} settled={settled} />;
  return (
    <section
      data-testid="approval-card"
      aria-label={`Approval: ${request.preview}`}
      className="card rise my-2 overflow-hidden border-glow/50 shadow-[0_6px_24px_-12px_var(--shadow)]"
    >
      <header className="flex items-center gap-2 bg-wash px-4 py-2.5 text-sm">
        <Hand size={18} className="flex-none text-ember" />
        <strong className="font-semibold">May I?</strong>
        <span className="min-w-0 flex-1 text-soft">{request.reason}</span>
        <code className="rounded bg-raised max-sm:hidden px-1.5 py-0.5 font-mono text-2xs text-soft">
          {request.name}
        </code>
      </header>
      <section
        ref={box}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: a long command must be scrollable by keyboard, it gates the buttons
        tabIndex={0}
        aria-label="The exact text to be approved"
        data-testid="approval-text"
        className="max-h-[min(28rem,50dvh)] overflow-auto bg-sunken px-4 py-3 font-mono text-[0.8125rem] leading-relaxed wrap-anywhere whitespace-pre-wrap"
      >
        <Asked request={request} />
      </section>
      <footer className="flex flex-wrap items-center gap-2 px-4 py-3">
        <p className={`w-full text-xs ${hidden > 0 ? "font-medium text-bad" : "text-faint"}`}>
          {note}
          {/* It keeps its room: buttons that move at the moment they can be pressed are pressed by mistake. */}
          <span className={seen ? "invisible" : ""} aria-hidden={seen}>
            {" · scroll to its end to allow it"}
          </span>
        </p>
        {buttons
          .filter((button) => request.choices.includes(button.choice))
          .map((button) => (
            <button
              key={button.choice}
              type="button"
              data-testid={button.testId}
              title={button.title}
              disabled={sent || (button.choice !== "deny" && !seen)}
              className={`btn max-sm:px-3! ${button.choice === "once" ? "btn-ember" : ""} ${button.choice === "deny" ? "text-bad" : ""}`}
              onClick={() => answer(button.choice)}
            >
              {button.label}
            </button>
          ))}
        {problem !== null && (
          <p className="w-full text-sm text-bad" role="alert">
            {problem}
          </p>
        )}
      </footer>
    </section>
  );
});

/** What became of it, in one line; what was asked, for whoever opens it. */
function Settled({ request, settled }: Pick<ApprovalProps, "request"> & { settled: string }) {
  const [open, setOpen] = useState(false);
  const refused = settled === "deny" || settled === "cancelled";
  return (
    <div
      data-testid="approval-card"
      data-settled={settled}
      className={refused ? "card my-1.5 overflow-hidden" : "text-faint"}
    >
      <button
        type="button"
        aria-expanded={open}
        title={request.preview}
        className={`flex w-full min-w-0 items-center gap-2 text-left text-sm ${refused ? "min-h-10 px-2.5 py-1.5" : "py-1 hover:text-ink"}`}
        onClick={() => setOpen(!open)}
      >
        {refused && (
          <Chevron size={13} className={`flex-none text-faint transition-transform ${open ? "rotate-90" : ""}`} />
        )}
        <Hand size={16} className="flex-none text-faint" />
        <span className={`flex-none ${refused ? "max-w-[55%] truncate font-medium text-bad" : ""}`}>
          {verdict[settled] ?? settled}
        </span>
        {/* What was allowed has a card of its own, right below. */}
        {refused && <code className="min-w-0 flex-1 truncate font-mono text-xs">{request.preview}</code>}
        {refused && <Cross size={15} className="flex-none text-bad" />}
      </button>
      {open && (
        <div className="max-h-80 overflow-auto border-t border-line bg-sunken px-4 py-3 font-mono text-xs leading-relaxed wrap-anywhere whitespace-pre-wrap text-soft">
          <Asked request={request} />
        </div>
      )}
    </div>
  );
}

/** All that is decided about. Where a diff tells all of a change, the whole new text is there for whoever wants it too. */
function Asked({ request: { arguments: args, diff } }: Pick<ApprovalProps, "request">) {
  const texts = approvedTexts(args);
  if (diff === null) return texts.map((one) => <Named key={one.label ?? ""} {...one} />);
  const whole = texts.filter(({ label }) => label === "content");
  return (
    <>
      {texts
        .filter((one) => !whole.includes(one))
        .map((one) => (
          <Named key={one.label ?? ""} {...one} />
        ))}
      <div className="mb-2">
        <div className="font-sans text-xs text-faint select-none">change · {diffNote(diff)}</div>
        <DiffLines diff={diff} />
      </div>
      {whole.map(({ text }) => (
        <details key="content" open={isCut(diff)}>
          <summary className="cursor-pointer font-sans text-xs text-faint select-none">the whole new text</summary>
          <ExactText text={text} />
        </details>
      ))}
    </>
  );
}

function Named({ label, text }: { label: string | null; text: string }) {
  return (
    <div className="mb-2 last:mb-0">
      {label !== null && (
        <div className="font-sans text-xs text-faint select-none">
          <ExactText text={label} />
        </div>
      )}
      <ExactText text={text} />
    </div>
  );
}
