// Every process of this host on one board, whoever started it and wherever.
import { type RefObject, useEffect, useMemo, useRef, useState } from "react";
import type { Hub, ProcessItem } from "../hub.ts";
import { arrange, type Choice, everything, type SortKey } from "../process/arrange.ts";
import { useListKeys } from "../process/list-keys.ts";
import type { History } from "../process/usage.ts";
import { useHash, useProcesses, useSecond, useTitles, useUsage } from "../process/use-processes.ts";
import { boardHash, parseHash } from "../route.ts";
import { useField } from "../store.ts";
import { useMedia } from "../use-media.ts";
import { Close, Menu } from "./icons.tsx";
import { LimitsNote } from "./limits-note.tsx";
import { ProcessCard } from "./process-card.tsx";
import { ProcessDetail } from "./process-detail.tsx";
import { ProcessFilters } from "./process-filters.tsx";
import { ProcessTable } from "./process-table.tsx";
import { StopAll } from "./stop-all.tsx";

export interface ProcessBoardProps {
  hub: Hub;
  /** Null where the conversations are always in view. */
  onList: (() => void) | null;
  onClose: () => void;
}

const PAGE = 200;

const open = (id: string | null): void => {
  location.hash = boardHash(id);
};

export function ProcessBoard({ hub, onList, onClose }: ProcessBoardProps) {
  const processes = useProcesses(hub);
  const titles = useTitles(hub);
  const opened = useHash((hash) => parseHash(hash).process);
  const [choice, setChoice] = useState<Choice>({ ...everything, which: "running" });
  const [most, setMost] = useState(PAGE);
  const list = useRef<HTMLElement>(null);
  const filter = useRef<HTMLInputElement>(null);
  // Beside the list where there is room for both, else in its place.
  const narrow = useMedia("(width <= 1000px)");
  const unavailable = useField(hub.usage.state, "unavailable");
  const known = useField(hub.usage.state, "histories");

  const arranged = useMemo(() => arrange(processes, choice, known, titles), [processes, choice, known, titles]);
  const shown = arranged.slice(0, most);
  const detail = processes.find((process) => process.process_id === opened);
  const histories = useUsage(hub, detail === undefined ? shown : [...shown, detail]);
  const now = useSecond(processes.some((process) => process.status === "running"));
  const sessions = useMemo(() => sessionsOf(processes, titles), [processes, titles]);
  const onKeyDown = useListKeys(list, filter);
  useFocus(list, opened, arranged.length > 0);

  const running = processes.filter((process) => process.status === "running").length;
  const onChange = (change: Partial<Choice>) => {
    setChoice({ ...choice, ...change });
    setMost(PAGE);
  };
  const onSort = (sort: SortKey) => onChange({ sort, reversed: sort === choice.sort ? !choice.reversed : false });
  const closeDetail = () => open(null);
  const asTable = !narrow && detail === undefined;
  const rows = { hub, rows: shown, histories, titles, now, onOpen: open };

  return (
    <main className="flex min-w-0 flex-1 flex-col" data-testid="process-board" aria-label="Processes">
      <header className="flex flex-none items-center gap-2 border-b border-line px-2 py-1.5 sm:h-14 sm:px-4">
        {onList !== null && (
          <button type="button" className="icon-btn" aria-label="Conversations" onClick={onList}>
            <Menu />
          </button>
        )}
        <h1 className="font-serif text-[1.05rem] font-semibold">Processes</h1>
        <span className="min-w-0 flex-1 truncate text-xs text-faint" role="status">
          {running} running · {processes.length} in all
        </span>
        <StopAll hub={hub} session={choice.session} processes={processes} least={1} />
        <button
          type="button"
          data-testid="close-board"
          className="icon-btn"
          aria-label="Close the board: nothing is stopped"
          title="Close the board: nothing is stopped"
          onClick={onClose}
        >
          <Close size={17} />
        </button>
      </header>
      {(!narrow || detail === undefined) && (
        <ProcessFilters choice={choice} onChange={onChange} sessions={sessions} field={filter} />
      )}
      <LimitsNote hub={hub} />
      {unavailable !== null && <p className="px-4 pb-2 text-xs text-faint">{unavailable}</p>}
      <div className="flex min-h-0 flex-1">
        {(!narrow || detail === undefined) && (
          <section
            ref={list}
            aria-label="All processes"
            tabIndex={-1}
            className={`min-h-0 overflow-y-auto outline-none ${detail === undefined ? "flex-1" : "w-[23rem] flex-none border-r border-line"}`}
            onKeyDown={onKeyDown}
          >
            {asTable && shown.length > 0 ? (
              <ProcessTable {...rows} choice={choice} onSort={onSort} />
            ) : (
              <Cards {...rows} opened={opened} />
            )}
            {shown.length === 0 && (
              <p className="px-4 py-12 text-center text-sm text-faint">
                {processes.length === 0
                  ? "Nothing was started yet. What agents and people start appears here, live."
                  : "No process fits: change the filter."}
              </p>
            )}
            {arranged.length > shown.length && (
              <div className="p-3 text-center">
                <button type="button" data-testid="more-processes" className="btn" onClick={() => setMost(most + PAGE)}>
                  Show {Math.min(PAGE, arranged.length - shown.length)} more of {arranged.length.toLocaleString()}
                </button>
              </div>
            )}
          </section>
        )}
        {detail !== undefined && (
          <div className="min-w-0 flex-1">
            <ProcessDetail
              hub={hub}
              process={detail}
              history={histories.get(detail.process_id)}
              now={now}
              title={titles.get(detail.session_id ?? "")}
              onClose={closeDetail}
            />
          </div>
        )}
      </div>
    </main>
  );
}

interface CardsProps {
  hub: Hub;
  rows: readonly ProcessItem[];
  histories: ReadonlyMap<string, History>;
  titles: ReadonlyMap<string, string>;
  now: number;
  opened: string | null;
  onOpen: (id: string) => void;
}

function Cards({ hub, rows, histories, titles, now, opened, onOpen }: CardsProps) {
  return (
    <ul aria-label="Processes" className="space-y-2 px-3 pb-4">
      {rows.map((process) => (
        <ProcessCard
          key={process.process_id}
          hub={hub}
          process={process}
          history={histories.get(process.process_id)}
          now={process.status === "running" ? now : 0}
          title={titles.get(process.session_id ?? "") ?? process.session_id ?? undefined}
          current={process.process_id === opened}
          onOpen={onOpen}
        />
      ))}
    </ul>
  );
}

/** The keyboard begins in the list, and goes back to the row whose process was looked into. */
function useFocus(list: RefObject<HTMLElement | null>, opened: string | null, any: boolean): void {
  const last = useRef<string | null>(null);
  useEffect(() => {
    if (opened !== null) {
      last.current = opened;
      return;
    }
    if (!any || list.current?.contains(document.activeElement)) return;
    const typing = document.activeElement instanceof HTMLInputElement;
    if (typing) return;
    const id = last.current === null ? null : CSS.escape(last.current);
    const row = id === null ? null : list.current?.querySelector<HTMLElement>(`[data-process-id="${id}"] [data-row]`);
    (row ?? list.current)?.focus({ preventScroll: row === null });
  }, [list, opened, any]);
}

function sessionsOf(processes: readonly ProcessItem[], titles: ReadonlyMap<string, string>) {
  const ids = new Set(processes.flatMap((process) => process.session_id ?? []));
  return [...ids].map((id) => [id, titles.get(id) ?? id] as const).sort(([, a], [, b]) => a.localeCompare(b));
}
