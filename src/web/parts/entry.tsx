// One entry of a conversation. Drawn again only when the entry itself is another object.
import { memo, type ReactNode, useState } from "react";
import type { Item, MessageItem, NoticeItem, PromptItem, TurnEndItem } from "../../client/fold.ts";
import type { ProcessRow } from "../../protocol/rows.ts";
import { shownPattern } from "../../protocol/watch-pattern.ts";
import type { Answers } from "../answers.ts";
import { ending } from "../words.ts";
import { ApprovalCard } from "./approval-card.tsx";
import { ClarifyCard } from "./clarify-card.tsx";
import { Bell } from "./icons.tsx";
import { Markdown } from "./markdown.tsx";
import { ToolCard } from "./tool-card.tsx";

export interface EntryProps {
  item: Item;
  /** The process the entry is about, if any and known. */
  process: ProcessRow | undefined;
  answers: Answers;
  onProcess: (id: string) => void;
}

export const Entry = memo(function Entry({ item, process, answers, onProcess }: EntryProps) {
  switch (item.kind) {
    case "prompt":
      return <Prompt prompt={item} />;
    case "message":
      return <Answer message={item} />;
    case "tool":
      return (
        <Threaded>
          <ToolCard tool={item} process={process} onProcess={onProcess} />
        </Threaded>
      );
    case "approval":
      return (
        <Threaded>
          <ApprovalCard request={item} settled={item.choice} answers={answers} />
        </Threaded>
      );
    case "clarify":
      return (
        <Threaded>
          <ClarifyCard request={item} answer={item.settled ? item.answer : undefined} answers={answers} />
        </Threaded>
      );
    case "notice":
      return <Notice notice={item} process={process} onProcess={onProcess} />;
    case "turn_end":
      return <TurnEnd end={item} />;
    default:
      return item satisfies never;
  }
});

/** What belongs to a turn hangs on one thin line that starts at the person's words. */
export function Threaded({ children, className = "" }: { children: ReactNode; className?: string }) {
  return (
    <div
      className={`lazily-drawn relative pl-6 before:absolute before:inset-y-0 before:left-[5px] before:w-px before:bg-line ${className}`}
    >
      {children}
    </div>
  );
}

/** `onWithdraw`: it waits for its turn, and can be taken back. Should that fail, it has begun, and is shown so. */
export function Prompt({ prompt, onWithdraw }: { prompt: PromptItem; onWithdraw?: () => Promise<unknown> }) {
  const waiting = onWithdraw !== undefined;
  return (
    <div
      data-testid={waiting ? "message-queued" : "message-user"}
      className={`relative mt-8 pl-6 before:absolute before:inset-y-1 before:left-[4px] before:w-[3px] before:rounded-full first:mt-0 ${waiting ? "text-soft before:bg-line" : "before:bg-glow"}`}
    >
      <h2 className="sr-only">You</h2>
      <div
        dir="auto"
        className="font-serif text-[1.0625rem] leading-relaxed font-medium wrap-anywhere whitespace-pre-wrap"
      >
        {prompt.text}
      </div>
      {(waiting || prompt.mode === "steer") && (
        <p className="text-2xs text-faint">
          {waiting ? "waits for its turn" : "said while it worked"}
          {waiting && (
            <button
              type="button"
              data-testid="withdraw"
              className="btn btn-quiet ml-1 px-2! text-2xs! pointer-fine:min-h-6!"
              onClick={() =>
                onWithdraw().catch((error: unknown) => console.warn("taking a message back failed", error))
              }
            >
              Take back
            </button>
          )}
        </p>
      )}
    </div>
  );
}

function Answer({ message }: { message: MessageItem }) {
  const streaming = message.state === "streaming";
  const { text, reasoning } = message;
  return (
    <Threaded className="py-2">
      <div
        data-testid="message-assistant"
        data-state={message.state}
        aria-busy={streaming || undefined}
        className={message.state === "cut" ? "opacity-75" : ""}
      >
        {reasoning !== "" && <Reasoning text={reasoning} open={streaming && text === ""} />}
        {text !== "" && <Markdown text={text} streaming={streaming} />}
        {message.state === "cut" && (
          <p className="mt-1 text-xs font-medium text-warn" data-testid="cut">
            Cut short here.
          </p>
        )}
        {message.finish === "length" && (
          <p className="mt-1 text-xs font-medium text-warn">It ended here because the answer grew too long.</p>
        )}
        {message.finish === "refusal" && (
          <p className="mt-1 text-xs font-medium text-warn">The model refused to go on.</p>
        )}
      </div>
    </Threaded>
  );
}

function Reasoning({ text, open }: { text: string; open: boolean }) {
  return (
    <details className="mb-2 text-sm text-soft" open={open} data-testid="reasoning">
      <summary className="cursor-pointer text-xs text-faint select-none">{open ? "Thinking…" : "Its thoughts"}</summary>
      <div className="mt-1 border-l-2 border-line pl-3 leading-relaxed wrap-anywhere whitespace-pre-wrap">{text}</div>
    </details>
  );
}

type NoticeProps = { notice: NoticeItem; process: ProcessRow | undefined; onProcess: (id: string) => void };

function Notice({ notice, process, onProcess }: NoticeProps) {
  const about = notice.process_id;
  const [open, setOpen] = useState(false);
  return (
    <div
      data-testid="notice"
      data-kind={notice.notice}
      className="lazily-drawn relative mt-4 pl-6 text-[0.8125rem] text-soft"
    >
      <Bell size={13} className="absolute top-2.5 -left-px text-faint" />
      <div className="flex items-center gap-2">
        <button
          type="button"
          aria-expanded={open}
          className="flex min-h-9 min-w-0 flex-1 items-center gap-1.5 text-left hover:text-ink"
          onClick={() => setOpen(!open)}
        >
          <span className="flex min-w-0 items-baseline gap-1.5">{noticeLine(notice, process)}</span>
        </button>
        {about !== null && (
          <button
            type="button"
            className="btn btn-quiet pointer-fine:min-h-8! px-2! text-xs!"
            onClick={() => onProcess(about)}
          >
            Output
          </button>
        )}
      </div>
      {open && (
        <pre className="mb-2 max-h-72 overflow-auto rounded-xl border border-line bg-sunken p-3 font-mono text-xs leading-relaxed wrap-anywhere whitespace-pre-wrap">
          {notice.text}
        </pre>
      )}
    </div>
  );
}

/** What happened, in half a line; without the process the notice's own first line says it. */
function noticeLine(notice: NoticeItem, process: ProcessRow | undefined): ReactNode {
  const first = notice.text.split("\n", 1)[0];
  const whole = <span className="truncate">{first}</span>;
  if (process === undefined) return whole;
  // A long command is cut, and what became of it is not.
  const command = <code className="truncate font-mono text-xs text-ink">{process.name ?? process.command}</code>;
  if (notice.notice === "ended") {
    const end = process.status === "running" ? "ended" : ending(process);
    return (
      <>
        {command} <span className="flex-none">ended · {end}</span>
      </>
    );
  }
  const pattern = process.watch_patterns.map(shownPattern).find((one) => first?.includes(`"${one}"`));
  if (pattern === undefined) return whole;
  return (
    <>
      {command}{" "}
      <span className="max-w-[60%] flex-none truncate">
        matched <strong className="font-semibold text-ink">{pattern}</strong>
      </span>
    </>
  );
}

function TurnEnd({ end }: { end: TurnEndItem }) {
  if (end.status === "done") return null;
  if (end.status === "failed") {
    return (
      <Threaded className="py-1.5">
        <div
          role="alert"
          data-testid="turn-error"
          className="rounded-xl border border-bad/40 bg-bad/8 px-4 py-3 text-sm"
        >
          <p className="font-medium text-bad">{end.error?.message ?? "This turn failed."}</p>
          {end.error?.hint !== undefined && <p className="mt-1 text-soft">{end.error.hint}</p>}
        </div>
      </Threaded>
    );
  }
  return (
    <Threaded className="py-1">
      <p data-testid="turn-end" data-status={end.status} className="text-xs font-medium text-faint">
        {end.status === "cancelled" ? "Stopped." : "Interrupted: the host restarted and did not go on by itself."}
      </p>
    </Threaded>
  );
}
