// Processes as a table, where there is room for one.
import { memo } from "react";
import type { Hub, ProcessItem } from "../hub.ts";
import { type Choice, limitsOf, oneLine, type SortKey } from "../process/arrange.ts";
import type { History } from "../process/usage.ts";
import { useStop } from "../process/use-processes.ts";
import { sessionHash } from "../route.ts";
import { ending } from "../words.ts";
import { Stop, Terminal } from "./icons.tsx";
import { Cpu, Memory, Ports, StartedBy } from "./process-bits.tsx";
import { ageOf, limitNames, rowData } from "./process-card.tsx";
import { StatusDot } from "./status-dot.tsx";

export interface ProcessTableProps {
  hub: Hub;
  rows: readonly ProcessItem[];
  histories: ReadonlyMap<string, History>;
  titles: ReadonlyMap<string, string>;
  now: number;
  choice: Choice;
  onSort: (sort: SortKey) => void;
  onOpen: (id: string) => void;
}

const headings: readonly (readonly [label: string, sort: SortKey | null])[] = [
  ["Status", "status"],
  ["Process", "name"],
  ["Conversation", "session"],
  ["Started by", null],
  ["Age", "age"],
  ["CPU", "cpu"],
  ["Memory", "memory"],
  ["Ports", null],
  ["", null],
];

export function ProcessTable({ hub, rows, histories, titles, now, choice, onSort, onOpen }: ProcessTableProps) {
  return (
    <table className="w-full table-fixed border-collapse text-xs" data-testid="process-table">
      <colgroup>
        {["7.5rem", "", "15%", "5.5rem", "5.5rem", "6.8rem", "7.2rem", "5.5rem", "3rem"].map((width, at) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: columns have no other name
          <col key={at} style={width === "" ? {} : { width }} />
        ))}
      </colgroup>
      <thead className="sticky top-0 z-10 bg-paper text-left text-2xs text-faint">
        <tr>
          {headings.map(([label, sort]) => {
            const isIt = sort !== null && sort === choice.sort;
            return (
              <th
                key={label}
                scope="col"
                className="border-b border-line px-2 py-1.5 font-medium first:pl-4"
                aria-sort={isIt ? (choice.reversed ? "descending" : "ascending") : undefined}
              >
                {sort === null ? (
                  label || <span className="sr-only">Stop</span>
                ) : (
                  <button type="button" className="hover:text-ink" onClick={() => onSort(sort)}>
                    {label} {isIt && (choice.reversed ? "↑" : "↓")}
                  </button>
                )}
              </th>
            );
          })}
        </tr>
      </thead>
      <tbody>
        {rows.map((process) => (
          <Row
            key={process.process_id}
            hub={hub}
            process={process}
            history={histories.get(process.process_id)}
            title={titles.get(process.session_id ?? "")}
            now={process.status === "running" ? now : 0}
            onOpen={onOpen}
          />
        ))}
      </tbody>
    </table>
  );
}

interface RowProps {
  hub: Hub;
  process: ProcessItem;
  history: History | undefined;
  title: string | undefined;
  now: number;
  onOpen: (id: string) => void;
}

const Row = memo(function Row({ hub, process, history, title, now, onOpen }: RowProps) {
  const running = process.status === "running";
  const { stopping, problem, stop } = useStop(hub, process.process_id);
  const command = oneLine(process.command);
  const limits = limitsOf(process);
  return (
    <tr {...rowData(process)} className="border-b border-line/60 hover:bg-raised">
      <td className="px-2 py-1.5 pl-4">
        <span className="flex items-center gap-2">
          <StatusDot status={process.status} exitCode={process.exit_code} />
          <span className="truncate" title={problem ?? process.reason ?? undefined}>
            {running ? "running" : ending(process)}
          </span>
        </span>
        {(problem ?? process.reason) !== null && (
          <span className="block truncate text-2xs text-bad" role={problem === null ? undefined : "alert"}>
            {problem ?? process.reason}
          </span>
        )}
        {process.limit_hit !== null && process.reason === null && (
          <span className="block text-2xs text-bad">{limitNames[process.limit_hit]} limit reached</span>
        )}
      </td>
      <td className="px-2 py-1.5">
        <button
          type="button"
          data-row=""
          className="flex min-h-9 w-full flex-col justify-center text-left"
          onClick={() => onOpen(process.process_id)}
        >
          <span className="flex w-full items-center gap-1.5">
            {process.process_id.startsWith("term_") && <Terminal size={13} className="flex-none text-faint" />}
            <span className="truncate font-mono text-ink" title={command}>
              {process.name === null ? command : oneLine(process.name)}
            </span>
          </span>
          <span className="w-full truncate font-mono text-2xs text-faint" title={limits || undefined}>
            {process.environment_kind !== "local" && `in ${process.environment} · `}
            {limits !== "" && "limited · "}
            {process.name === null ? oneLine(process.cwd) : command}
          </span>
        </button>
      </td>
      <td className="truncate px-2 py-1.5 text-soft">
        {process.session_id === null ? (
          "–"
        ) : (
          <a className="hover:text-ink hover:underline" href={sessionHash(process.session_id)} title={title}>
            {title ?? process.session_id}
          </a>
        )}
      </td>
      <td className="truncate px-2 py-1.5 text-soft">
        <StartedBy process={process} title={title} />
      </td>
      <td className="truncate px-2 py-1.5 text-soft tabular-nums">{ageOf(process, now)}</td>
      <td className="px-2 py-1.5">{running && <Cpu history={history} />}</td>
      <td className="px-2 py-1.5">{running && <Memory history={history} />}</td>
      <td className="px-2 py-1.5">
        <Ports history={history} />
      </td>
      <td className="py-1 pr-2 text-right">
        {running && (
          <button
            type="button"
            data-testid="process-stop"
            className="icon-btn"
            disabled={stopping}
            aria-label={`Stop ${process.name === null ? command : oneLine(process.name)}`}
            title="Stop it and all it started"
            onClick={stop}
          >
            <Stop size={15} />
          </button>
        )}
      </td>
    </tr>
  );
});
