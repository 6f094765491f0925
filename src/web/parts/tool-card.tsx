// One thing the agent did: what, how it went, how long it took; more for whoever opens it.
import { type ComponentType, memo, useEffect, useState } from "react";
import { diffNote, isCut } from "../../client/diff.ts";
import type { ToolItem } from "../../client/fold.ts";
import type { ProcessRow } from "../../protocol/rows.ts";
import { lastLines } from "../tail.ts";
import { duration, ending } from "../words.ts";
import { DiffLines } from "./diff-lines.tsx";
import { Check, Chevron, Cog, Cross, File, Pencil, Question, Search, Terminal } from "./icons.tsx";
import { LiveTail } from "./live-tail.tsx";
import { CopyButton } from "./markdown.tsx";
import { StatusDot } from "./status-dot.tsx";

export interface ToolCardProps {
  tool: ToolItem;
  /** The process it started or asked about, if the page knows it. */
  process: ProcessRow | undefined;
  onProcess: (id: string) => void;
}

const icons: Readonly<Record<string, ComponentType<{ size?: number; className?: string }>>> = {
  terminal: Terminal,
  process: Cog,
  read_file: File,
  write_file: Pencil,
  search_files: Search,
  clarify: Question,
};

export const ToolCard = memo(function ToolCard({ tool, process, onProcess }: ToolCardProps) {
  const [open, setOpen] = useState(false);
  const running = tool.status === "running";
  const Icon = icons[tool.name] ?? Cog;
  const processId = tool.process_id;
  // A background process outlives its call: how it ends is not how the call went.
  const lives = tool.arguments.background === true && !running;
  return (
    <article
      data-testid="tool-card"
      data-call-id={tool.call_id}
      data-name={tool.name}
      data-status={tool.status}
      data-process-id={processId ?? undefined}
      data-exit-code={process?.exit_code ?? undefined}
      className="card my-1.5 overflow-hidden"
    >
      <div className="flex items-center">
        <button
          type="button"
          aria-expanded={open}
          className="flex min-h-10 min-w-0 flex-1 items-center gap-2.5 py-1.5 pl-2.5 text-left"
          onClick={() => setOpen(!open)}
        >
          <Chevron size={13} className={`flex-none text-faint transition-transform ${open ? "rotate-90" : ""}`} />
          <Icon size={16} className="-ml-1 flex-none text-faint" />
          <span className="sr-only">{tool.name}</span>
          <code className="min-w-0 flex-1 truncate font-mono text-[0.8125rem] text-ink">{tool.preview}</code>
          <Outcome tool={tool} process={lives ? undefined : process} />
        </button>
        {processId === null ? (
          <span className="w-3" />
        ) : (
          <button
            type="button"
            className="btn btn-quiet mr-1 px-2! text-xs!"
            onClick={() => onProcess(processId)}
            aria-label="Show the process in the panel"
          >
            {process !== undefined && lives && <StatusDot status={process.status} exitCode={process.exit_code} />}
            Output
          </button>
        )}
      </div>
      {/* The call is recorded before its process begins: until that is known there is nothing to look at. */}
      {running && processId !== null && process !== undefined && <LiveTail processId={processId} />}
      {open ? <Details tool={tool} /> : !lives && <Printed tool={tool} />}
    </article>
  );
});

function Outcome({ tool, process }: { tool: ToolItem; process: ProcessRow | undefined }) {
  if (tool.status === "running") {
    return (
      <span className="flex flex-none items-center gap-2 text-xs text-soft">
        <Elapsed since={tool.time} />
        <span className="ember-dot" role="img" aria-label="running" />
      </span>
    );
  }
  const ran = tool.status === "ok" || tool.status === "failed";
  const took = ran && tool.duration_ms !== null ? duration(tool.duration_ms) : "";
  const end = process !== undefined && process.status !== "running" ? ending(process) : null;
  const well = tool.status === "ok" && (process?.exit_code ?? 0) === 0;
  const word = tool.status === "ok" ? end : tool.status === "failed" ? (end ?? "failed") : tool.status;
  return (
    <span className="flex flex-none items-center gap-1.5 text-xs text-faint tabular-nums">
      {word !== null && !(well && word === "exit 0") && (
        <span data-testid="tool-end" className={well ? "" : "text-bad"}>
          {word}
        </span>
      )}
      {took}
      {well ? <Check size={15} className="text-good" /> : <Cross size={15} className="text-bad" />}
    </span>
  );
}

function Elapsed({ since }: { since: number }) {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 1000);
    return () => clearInterval(timer);
  }, []);
  const ms = now - since;
  return <span className="tabular-nums">{ms < 1000 ? "" : duration(Math.floor(ms / 1000) * 1000)}</span>;
}

const SHOWN_LINES = 8;
const SHOWN_CHANGES = 12;
const CHANGE = "bg-sunken px-4 py-2 font-mono text-xs leading-relaxed wrap-anywhere whitespace-pre-wrap";

/** The end of what a command has printed stays where it was seen to come; of what a write has changed there is the beginning. */
function Printed({ tool }: { tool: ToolItem }) {
  if (tool.diff !== null && tool.status === "ok")
    return (
      <div data-testid="tool-change" className={`border-t border-line ${CHANGE}`}>
        <DiffLines diff={tool.diff} most={SHOWN_CHANGES} />
      </div>
    );
  if (tool.name !== "terminal" || tool.result === null || (tool.status !== "ok" && tool.status !== "failed"))
    return null;
  // Last comes a line in brackets for the model: how it ended, which the card says already.
  const end = tool.result.lastIndexOf("\n[");
  const printed = end >= 0 ? tool.result.slice(Math.max(0, end - 4_000), end) : "";
  const text = lastLines(printed.trimEnd(), SHOWN_LINES);
  if (text === "") return null;
  return (
    <pre
      data-testid="tool-printed"
      className="overflow-x-auto border-t border-line bg-sunken px-3.5 py-2.5 font-mono text-xs leading-relaxed wrap-anywhere whitespace-pre-wrap text-soft"
    >
      {text}
    </pre>
  );
}

/** The shown part of a long text, in characters; the whole of it is the model's, and bounded by the host. */
const MOST_SHOWN = 20_000;

function Details({ tool }: { tool: ToolItem }) {
  const command =
    tool.name === "terminal" && typeof tool.arguments.command === "string" ? tool.arguments.command : null;
  const { diff } = tool;
  // The diff tells it, and where it was cut the whole new text does.
  const told = (name: string) => diff !== null && name === "content";
  const args = Object.entries(tool.arguments);
  const asked =
    command ??
    args
      .filter(([name]) => !told(name))
      .map(named)
      .join("\n");
  const result = tool.result ?? "";
  return (
    <div className="border-t border-line bg-sunken text-xs">
      <Block label={`${tool.name}${command === null ? "" : " · command"}`} text={bounded(asked)} />
      {diff !== null && (
        <div className="border-b border-line">
          <div className="pt-2 pl-3.5 text-2xs text-faint">
            {tool.status === "ok" ? "change" : "change it was to make"} · {diffNote(diff)}
          </div>
          {/* biome-ignore lint/a11y/noNoninteractiveTabindex: long text must be scrollable by keyboard */}
          <div data-testid="tool-change" tabIndex={0} className={`max-h-[min(28rem,60dvh)] overflow-auto ${CHANGE}`}>
            <DiffLines diff={diff} />
          </div>
        </div>
      )}
      {args
        .filter(([name]) => told(name))
        .map(([name, value]) => (
          <details key={name} open={diff !== null && isCut(diff)} className="border-b border-line">
            <summary className="min-h-9 cursor-pointer px-3.5 pt-2.5 text-2xs text-faint select-none">
              the whole new text
            </summary>
            <Block label={name} text={bounded(typeof value === "string" ? value : JSON.stringify(value))} />
          </details>
        ))}
      {tool.result !== null && <Block label="What the model was told" testId="tool-result" text={bounded(result)} />}
    </div>
  );
}

function bounded(text: string): string {
  if (text.length <= MOST_SHOWN) return text;
  return `${text.slice(0, MOST_SHOWN)}\n… ${(text.length - MOST_SHOWN).toLocaleString("en")} more characters`;
}

/** A text as it is, below its name where it has lines of its own. */
function named([name, value]: [string, unknown]): string {
  const text = typeof value === "string" ? value : JSON.stringify(value, null, 2);
  return text.includes("\n") ? `${name}:\n${text}` : `${name}: ${text}`;
}

function Block({ label, text, testId }: { label: string; text: string; testId?: string }) {
  return (
    <div className="border-b border-line last:border-0">
      <div className="flex items-center justify-between pt-1 pr-1 pl-3.5 text-2xs text-faint">
        <span>{label}</span>
        <CopyButton text={() => text} />
      </div>
      <pre
        data-testid={testId}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: long text must be scrollable by keyboard
        tabIndex={0}
        className="max-h-80 overflow-auto px-3.5 pb-3 font-mono leading-relaxed wrap-anywhere whitespace-pre-wrap text-soft"
      >
        {text === "" ? "(nothing)" : text}
      </pre>
    </div>
  );
}
