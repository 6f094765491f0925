// One process, looked into: all that is known of it, what it uses, its output, and what can be done with it.
import { lazy, Suspense, useEffect, useRef, useState } from "react";
import type { Hub, ProcessItem } from "../hub.ts";
import { limitsOf, oneLine } from "../process/arrange.ts";
import type { History } from "../process/usage.ts";
import { useStop } from "../process/use-processes.ts";
import { Close, Stop } from "./icons.tsx";
import { Cpu, Memory, Ports, StartedBy } from "./process-bits.tsx";
import { limitNames, rowData, standing } from "./process-card.tsx";
import { ProcessInput } from "./process-input.tsx";
import { ProcessText } from "./process-text.tsx";
import { ProcessTree } from "./process-tree.tsx";
import { ShareDialog } from "./share-dialog.tsx";
import { StatusDot } from "./status-dot.tsx";

// It brings the emulator, the heaviest part of the page, which is fetched when it is first wanted.
const ProcessScreen = lazy(() => import("./process-screen.tsx"));

export interface ProcessDetailProps {
  hub: Hub;
  process: ProcessItem;
  history: History | undefined;
  now: number;
  /** Of its conversation. */
  title: string | undefined;
  onClose: () => void;
}

export function ProcessDetail({ hub, process, history, now, title, onClose }: ProcessDetailProps) {
  const { process_id: id, mode } = process;
  const running = process.status === "running";
  const { stopping, problem, stop } = useStop(hub, id);
  const root = useRef<HTMLElement>(null);
  // biome-ignore lint/correctness/useExhaustiveDependencies: another process in the same view is the occasion
  useEffect(() => root.current?.focus({ preventScroll: true }), [id]);
  const command = oneLine(process.command);
  const [sharing, setSharing] = useState(false);
  return (
    <section
      ref={root}
      tabIndex={-1}
      aria-label={`Process ${process.name ?? command}`}
      data-testid="process-detail"
      className="flex h-full min-h-0 flex-col outline-none"
      onKeyDown={(event) => {
        // Inside a terminal every key is the program's.
        if (event.target instanceof Element && event.target.closest(".xterm") !== null) return;
        if (event.key === "/" && !(event.target instanceof HTMLInputElement)) {
          event.preventDefault();
          root.current?.querySelector<HTMLElement>("[data-find]")?.click();
        }
        if (event.key !== "Escape" || event.defaultPrevented) return;
        event.preventDefault();
        event.stopPropagation();
        onClose();
      }}
    >
      <div {...rowData(process)} className="flex flex-none flex-wrap items-center gap-x-2 gap-y-1 px-3 py-2">
        <StatusDot status={process.status} exitCode={process.exit_code} />
        <div className="min-w-40 flex-1">
          <h2 className="truncate font-mono text-xs text-ink" title={command}>
            {process.name === null ? command : oneLine(process.name)}
          </h2>
          <p className="truncate text-2xs text-faint">{standing(process, now)}</p>
        </div>
        <div className="flex flex-wrap gap-2">
          <button
            type="button"
            data-testid="process-share"
            className="btn btn-quiet px-2.5! text-xs!"
            title="A link by which somebody may watch it"
            onClick={() => setSharing(true)}
          >
            Share
          </button>
          {running && (
            <button
              type="button"
              data-testid="process-stop"
              className="btn px-2.5! text-xs!"
              disabled={stopping}
              title="Ends it and all it started"
              onClick={stop}
            >
              <Stop size={13} className="text-bad" /> {stopping ? "Stopping…" : "Stop it"}
            </button>
          )}
          <button
            type="button"
            data-testid="close-view"
            className="btn px-2.5! text-xs!"
            title={running ? "Only the view is closed: the process runs on" : "Back to the list"}
            onClick={onClose}
          >
            <Close size={13} /> {running ? "Close the view, it runs on" : "Close the view"}
          </button>
        </div>
      </div>
      {(problem ?? process.reason) !== null && (
        <p className="flex-none px-3 pb-2 text-xs text-bad" role={problem === null ? undefined : "alert"}>
          {problem ?? process.reason}
        </p>
      )}
      {running && (
        <div className="flex flex-none flex-wrap items-center gap-x-4 gap-y-1 px-3 pb-2">
          <Cpu history={history} wide />
          <Memory history={history} wide />
          <Ports history={history} />
        </div>
      )}
      <Facts process={process} title={title} hub={hub} />
      {mode === "pty" ? (
        <Suspense fallback={<div className="min-h-48 flex-1 border-t border-line bg-sunken" />}>
          <ProcessScreen
            key={id}
            {...{ id, command, running, hub }}
            onLeave={() => root.current?.focus({ preventScroll: true })}
          />
        </Suspense>
      ) : (
        <ProcessText key={id} id={id} command={command} running={running} hub={hub} />
      )}
      {sharing && (
        <ShareDialog
          hub={hub}
          id={id}
          name={process.name === null ? command : oneLine(process.name)}
          onClose={() => setSharing(false)}
        />
      )}
      {running && <ProcessInput key={`input-${id}`} id={id} mode={mode} hub={hub} />}
    </section>
  );
}

/** Who asked for it, as a person says it; anything else is told as it is. */
const endedBy: Readonly<Record<string, string>> = {
  "process.kill": "a person, or a program of theirs",
  agent: "the agent",
};

function Facts({ process, title, hub }: { process: ProcessItem; title: string | undefined; hub: Hub }) {
  const limits = limitsOf(process);
  const facts: readonly (readonly [string, string])[] = [
    ["Command", oneLine(process.command)],
    ["Directory", oneLine(process.cwd)],
    ["Conversation", title ?? (process.session_id === null ? "none" : process.session_id)],
    ["Id", `${process.process_id}${process.pid === null ? "" : `, process ${process.pid}`}`],
    ["Sandbox", process.environment_kind === "local" ? "" : `${process.environment} (${process.environment_kind})`],
    ["Limits", limits],
    ["Limit reached", process.limit_hit === null ? "" : limitNames[process.limit_hit]],
    ["Ended by", endedBy[process.termination_source ?? ""] ?? process.termination_source ?? ""],
    ["Note", process.notes.join(" ")],
  ];
  return (
    <details className="flex-none px-3 pb-2 text-2xs text-soft" data-testid="process-facts">
      <summary className="cursor-pointer truncate select-none">
        started by <StartedBy process={process} title={title} /> · {new Date(process.started_at).toLocaleString()}
      </summary>
      <dl className="mt-1.5 grid grid-cols-[auto_minmax(0,1fr)] gap-x-3 gap-y-0.5">
        {facts
          .filter(([, value]) => value !== "")
          .map(([name, value]) => (
            <div key={name} className="contents">
              <dt className="text-faint">{name}</dt>
              <dd className="font-mono wrap-anywhere">{value}</dd>
            </div>
          ))}
      </dl>
      {process.status === "running" && <ProcessTree hub={hub} id={process.process_id} />}
    </details>
  );
}
