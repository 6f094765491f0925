// Beside the conversation: what runs in it and what ran, and one of them looked into.
import { useRef, useState } from "react";
import type { Hub } from "../hub.ts";
import { arrange, everything } from "../process/arrange.ts";
import { useListKeys } from "../process/list-keys.ts";
import { useProcesses, useSecond, useTitles, useUsage } from "../process/use-processes.ts";
import { boardHash } from "../route.ts";
import { Widen } from "./icons.tsx";
import { ProcessCard } from "./process-card.tsx";
import { ProcessDetail } from "./process-detail.tsx";
import { StopAll } from "./stop-all.tsx";

export interface ProcessListProps {
  hub: Hub;
  session: string | null;
  /** The process whose output is shown; the panel's owner keeps it, because a tool card can open it. */
  open: string | null;
  onOpen: (id: string | null) => void;
}

const PAGE = 200;

export function ProcessList({ hub, session, open, onOpen }: ProcessListProps) {
  const processes = useProcesses(hub);
  const titles = useTitles(hub);
  const [most, setMost] = useState(PAGE);
  const list = useRef<HTMLUListElement>(null);
  const opened = processes.find((process) => process.process_id === open);
  const here = processes.filter((process) => process.session_id === session);
  const shown = arrange(here, everything, new Map(), titles).slice(0, most);
  const running = here.filter((process) => process.status === "running");
  const histories = useUsage(hub, opened === undefined ? shown : [opened]);
  const now = useSecond(running.length > 0 || opened?.status === "running");
  const onKeyDown = useListKeys(list, null);

  if (opened !== undefined) {
    return (
      <ProcessDetail
        hub={hub}
        process={opened}
        history={histories.get(opened.process_id)}
        now={now}
        title={titles.get(opened.session_id ?? "")}
        onClose={() => {
          onOpen(null);
          // Back to where one came from, for those who use the keyboard.
          requestAnimationFrame(() =>
            list.current
              ?.querySelector<HTMLElement>(`[data-process-id="${CSS.escape(opened.process_id)}"] [data-row]`)
              ?.focus(),
          );
        }}
      />
    );
  }
  return (
    <div className="flex h-full min-h-0 flex-col">
      <div className="flex flex-wrap items-center gap-1 px-4 pt-2 pb-1.5 text-xs text-faint">
        <span className="flex-1">
          {running.length} running · {here.length} in all
        </span>
        {session !== null && <StopAll hub={hub} session={session} processes={processes} least={2} />}
        <a data-testid="open-board" className="btn btn-quiet px-2! text-xs! font-normal!" href={boardHash()}>
          <Widen size={14} /> All conversations
        </a>
      </div>
      <ul
        ref={list}
        aria-label="Processes"
        className="min-h-0 flex-1 space-y-2 overflow-y-auto px-3 pb-4"
        onKeyDown={onKeyDown}
      >
        {shown.map((process) => (
          <ProcessCard
            key={process.process_id}
            hub={hub}
            process={process}
            history={histories.get(process.process_id)}
            now={process.status === "running" ? now : 0}
            onOpen={onOpen}
          />
        ))}
        {here.length > shown.length && (
          <li>
            <button type="button" className="btn w-full" onClick={() => setMost(most + PAGE)}>
              Show more ({(here.length - shown.length).toLocaleString()})
            </button>
          </li>
        )}
        {here.length === 0 && (
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
