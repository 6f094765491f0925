// A process in a narrow list: how it stands, what it uses, where it listens; chosen, it opens.
import { memo } from "react";
import type { Hub, ProcessItem } from "../hub.ts";
import { oneLine } from "../process/arrange.ts";
import type { History } from "../process/usage.ts";
import { useStop } from "../process/use-processes.ts";
import { duration, ending } from "../words.ts";
import { Chevron, Stop, Terminal } from "./icons.tsx";
import { Cpu, Memory, Ports } from "./process-bits.tsx";
import { StatusDot } from "./status-dot.tsx";

export interface ProcessCardProps {
  hub: Hub;
  process: ProcessItem;
  history: History | undefined;
  now: number;
  /** Of its conversation, where that is worth saying. */
  title?: string | undefined;
  /** It is the one that is looked into. */
  current?: boolean;
  onOpen: (id: string) => void;
}

export const ProcessCard = memo(function ProcessCard(props: ProcessCardProps) {
  const { hub, process, history, now, title, current = false, onOpen } = props;
  const running = process.status === "running";
  const { stopping, problem, stop } = useStop(hub, process.process_id);
  const name = oneLine(process.name ?? process.command);
  return (
    <li
      {...rowData(process)}
      aria-current={current || undefined}
      className={`card lazily-drawn overflow-hidden ${current ? "border-ember/60!" : ""}`}
    >
      <div className="flex items-center gap-1 pr-1.5">
        <button
          type="button"
          data-row=""
          className="flex min-h-12 min-w-0 flex-1 items-center gap-2.5 rounded-[0.85rem] py-2 pl-3 text-left outline-offset-[-2px]!"
          onClick={() => onOpen(process.process_id)}
        >
          <StatusDot status={process.status} exitCode={process.exit_code} />
          <span className="min-w-0 flex-1">
            <span className="flex items-center gap-1.5">
              {process.process_id.startsWith("term_") && <Terminal size={13} className="flex-none text-faint" />}
              <span className="truncate font-mono text-xs text-ink" title={oneLine(process.command)}>
                {name}
              </span>
            </span>
            <span className="block truncate text-2xs text-faint">{standing(process, now)}</span>
            {title !== undefined && <span className="block truncate text-2xs text-faint">in {title}</span>}
          </span>
          <Chevron size={13} className="flex-none text-faint" />
        </button>
        {running && (
          <button
            type="button"
            data-testid="process-stop"
            className="icon-btn"
            disabled={stopping}
            aria-label={`Stop ${name}`}
            title="Stop it and all it started"
            onClick={stop}
          >
            <Stop size={15} />
          </button>
        )}
      </div>
      {running && (
        <div className="flex flex-wrap items-center gap-x-3 gap-y-1 px-3 pb-2">
          <Cpu history={history} />
          <Memory history={history} />
          <Ports history={history} />
        </div>
      )}
      {(problem ?? process.reason) !== null && (
        <p className="px-3 pb-2 text-xs text-bad" role={problem === null ? undefined : "alert"}>
          {problem ?? process.reason}
        </p>
      )}
    </li>
  );
});

/** For tests and scripts that look at the page. */
export function rowData(process: ProcessItem) {
  return {
    "data-testid": "process-row",
    "data-process-id": process.process_id,
    "data-status": process.status,
    "data-exit-code": process.exit_code ?? undefined,
  };
}

/** How it stands, in half a line. `now` matters while it runs. */
export function standing(process: ProcessItem, now: number): string {
  const age = ageOf(process, now);
  const words = process.status === "running" ? [`running for ${age}`] : [`${ending(process)} · ${age}`];
  if (process.watch_hits > 0) words.push(`${process.watch_hits} ${process.watch_hits === 1 ? "match" : "matches"}`);
  if (process.environment_kind !== "local") words.push(`in ${process.environment}`);
  if (process.limit_hit !== null) words.push(`${limitNames[process.limit_hit]} limit reached`);
  if (process.recovered) words.push("kept over a restart");
  return words.join(" · ");
}
export const limitNames = { memory: "memory", pids: "process" } as const;

export const ageOf = (process: ProcessItem, now: number): string =>
  duration(Math.max(0, (process.ended_at ?? Math.max(now, process.started_at)) - process.started_at));
