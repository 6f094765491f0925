// What runs, and what ran: of this session, or everywhere on this host.
import { lazy, memo, Suspense, useEffect, useState } from "react";
import type { Hub, ProcessItem } from "../hub.ts";
import { useField } from "../store.ts";
import { duration, ending } from "../words.ts";
import { Chevron, Stop } from "./icons.tsx";
import { StatusDot } from "./status-dot.tsx";

// It brings the emulator, the heaviest part of the page, which is fetched when it is first wanted.
const ProcessOutput = lazy(() => import("./process-output.tsx"));

export interface ProcessListProps {
  hub: Hub;
  session: string | null;
  /** The process whose output is shown; the panel's owner keeps it, because a tool card can open it. */
  open: string | null;
  onOpen: (id: string | null) => void;
}

/** Rows drawn at most; the rest is on the command line (`hearth ps`). */
const MOST_ROWS = 200;

export function ProcessList({ hub, session, open, onOpen }: ProcessListProps) {
  const [all, setAll] = useState(false);
  const processes = useField(hub.state, "processes");
  const now = useSecond(processes.some((process) => process.status === "running"));
  useEffect(() => {
    const watching = hub.watchProcesses();
    return () => watching[Symbol.dispose]();
  }, [hub]);
  const shown = processes.filter((process) => all || process.session_id === session || process.process_id === open);
  return (
    <div className="flex h-full min-h-0 flex-col">
      <div className="flex items-center gap-2 px-4 pt-3 pb-2 text-xs text-faint">
        <span className="flex-1">
          {shown.filter((process) => process.status === "running").length} running · {shown.length} in all
        </span>
        <label className="flex min-h-8 cursor-pointer items-center gap-2 pointer-coarse:min-h-10">
          <input
            type="checkbox"
            data-testid="all-processes"
            className="size-4 accent-[var(--ember)]"
            checked={all}
            onChange={(event) => setAll(event.target.checked)}
          />
          All sessions
        </label>
      </div>
      <ul aria-label="Processes" className="min-h-0 flex-1 space-y-2 overflow-y-auto px-3 pb-4">
        {shown.slice(0, MOST_ROWS).map((process) => (
          <ProcessRow
            key={process.process_id}
            process={process}
            hub={hub}
            now={process.status === "running" ? now : 0}
            open={open === process.process_id}
            onOpen={onOpen}
          />
        ))}
        {shown.length > MOST_ROWS && (
          <li className="px-2 text-xs text-faint">{shown.length - MOST_ROWS} older ones are not shown.</li>
        )}
        {shown.length === 0 && (
          <li className="px-2 py-8 text-center text-sm text-faint">
            Nothing runs here yet.
            <br />
            What the agent starts in the background appears here, live.
          </li>
        )}
      </ul>
    </div>
  );
}

interface RowProps {
  process: ProcessItem;
  hub: Hub;
  now: number;
  open: boolean;
  onOpen: (id: string | null) => void;
}

const ProcessRow = memo(function ProcessRow({ process, hub, now, open, onOpen }: RowProps) {
  const [stopping, setStopping] = useState(false);
  const [problem, setProblem] = useState<string | null>(null);
  const running = process.status === "running";
  const stop = () => {
    setStopping(true);
    setProblem(null);
    hub.client
      .call("process.kill", { process_id: process.process_id })
      .catch((error: unknown) => setProblem(error instanceof Error ? error.message : String(error)))
      .finally(() => {
        setStopping(false);
        hub.refreshProcesses();
      });
  };
  const age = duration(Math.max(0, (process.ended_at ?? now) - process.started_at));
  return (
    <li
      data-testid="process-row"
      data-process-id={process.process_id}
      data-status={process.status}
      data-exit-code={process.exit_code ?? undefined}
      className="card overflow-hidden"
    >
      <div className="flex items-center gap-1 pr-1.5">
        <button
          type="button"
          aria-expanded={open}
          className="flex min-h-12 min-w-0 flex-1 items-center gap-2.5 py-2 pl-2.5 text-left"
          onClick={() => onOpen(open ? null : process.process_id)}
        >
          <Chevron
            size={13}
            className={`-mr-0.5 flex-none text-faint transition-transform ${open ? "rotate-90" : ""}`}
          />
          <StatusDot status={process.status} exitCode={process.exit_code} />
          <span className="min-w-0 flex-1">
            <span className="block truncate font-mono text-xs text-ink" title={process.command}>
              {process.name ?? process.command}
            </span>
            <span className="block truncate text-2xs text-faint">
              {running ? `running for ${age}` : `${ending(process)} · ${age}`}
              {process.watch_hits > 0 && ` · ${process.watch_hits} ${process.watch_hits === 1 ? "match" : "matches"}`}
              {process.recovered && " · kept over a restart"}
            </span>
          </span>
        </button>
        {running && (
          <button
            type="button"
            data-testid="process-stop"
            className="icon-btn"
            disabled={stopping}
            aria-label={`Stop ${process.command}`}
            title="Stop"
            onClick={stop}
          >
            <Stop size={15} />
          </button>
        )}
      </div>
      {(problem ?? process.reason) !== null && (
        <p className="px-3 pb-2 text-xs text-bad" role={problem === null ? undefined : "alert"}>
          {problem ?? process.reason}
        </p>
      )}
      {open && (
        <>
          <p className="border-t border-line px-3 py-1.5 font-mono text-2xs break-all text-faint">
            {process.process_id} · {process.cwd}
          </p>
          <Suspense fallback={<div className="h-64 border-t border-line bg-sunken" />}>
            <ProcessOutput process={process} hub={hub} />
          </Suspense>
        </>
      )}
    </li>
  );
});

/** The time, every second while `running`. */
function useSecond(running: boolean): number {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    if (!running) return;
    setNow(Date.now());
    const timer = setInterval(() => setNow(Date.now()), 1000);
    return () => clearInterval(timer);
  }, [running]);
  return now;
}
