// The agent asks before it acts: what exactly, why, and three answers of which none is the default.
import { memo, useEffect, useRef, useState } from "react";
import type { Answers } from "../answers.ts";
import { ExactText, exactNote } from "./exact-text.tsx";
import { Hand } from "./icons.tsx";

export interface ApprovalProps {
  request: {
    request_id: string;
    name: string;
    arguments: Record<string, unknown>;
    preview: string;
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
  deny: "Denied",
  cancelled: "Cancelled",
};

/**
 * What the person decides about, word for word: every argument under its name, a text as it is and not as JSON; what has
 * one alone needs no name. The longest text comes last, so that it hides none of the others.
 */
export function approvedTexts(args: Record<string, unknown>): { label: string | null; text: string }[] {
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

  if (settled !== null) {
    return (
      <div
        data-testid="approval-card"
        data-settled={settled}
        className="flex items-center gap-2 py-1 text-sm text-faint"
      >
        <Hand size={16} className="flex-none" />
        <span className="min-w-0 truncate">
          {verdict[settled] ?? settled}: <span className="font-mono text-xs">{request.preview}</span>
        </span>
      </div>
    );
  }
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
        className="max-h-64 overflow-auto bg-sunken px-4 py-3 font-mono text-[0.8125rem] leading-relaxed wrap-anywhere whitespace-pre-wrap"
      >
        {texts.map(({ label, text }) => (
          <div key={label ?? ""} className="mb-2 last:mb-0">
            {label !== null && (
              <div className="font-sans text-xs text-faint select-none">
                <ExactText text={label} />
              </div>
            )}
            <ExactText text={text} />
          </div>
        ))}
      </section>
      <footer className="flex flex-wrap items-center gap-2 px-4 py-3">
        <p className={`w-full text-xs ${hidden > 0 ? "font-medium text-bad" : "text-faint"}`}>
          {note}
          {!seen && " · scroll to its end to allow it"}
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
              className={`btn ${button.choice === "once" ? "btn-ember" : ""} ${button.choice === "deny" ? "text-bad" : ""}`}
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
