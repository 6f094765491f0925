// What the board shows: words, running or ended, one conversation or all, and the order.
import type { RefObject } from "react";
import type { Choice, SortKey, Which } from "../process/arrange.ts";

export interface ProcessFiltersProps {
  choice: Choice;
  onChange: (change: Partial<Choice>) => void;
  /** Conversations that have processes, with their titles. */
  sessions: readonly (readonly [id: string, title: string])[];
  field: RefObject<HTMLInputElement | null>;
}

const which: readonly (readonly [Which, string])[] = [
  ["running", "Running"],
  ["ended", "Ended"],
  ["all", "All"],
];
const sorts: readonly (readonly [SortKey, string])[] = [
  ["age", "Newest first"],
  ["cpu", "Most CPU"],
  ["memory", "Most memory"],
  ["name", "Name"],
  ["status", "Status"],
  ["session", "Conversation"],
];

export function ProcessFilters({ choice, onChange, sessions, field }: ProcessFiltersProps) {
  return (
    <search className="flex flex-none flex-wrap items-center gap-2 px-3 py-2 sm:px-4">
      <input
        ref={field}
        type="search"
        data-testid="board-filter"
        aria-label="Words to look for in processes"
        placeholder="Filter ( / )"
        className="field min-w-40 flex-1 text-sm"
        value={choice.text}
        spellCheck={false}
        autoComplete="off"
        autoCapitalize="off"
        onChange={(event) => onChange({ text: event.target.value })}
        onKeyDown={(event) => {
          if (event.key !== "Escape") return;
          event.preventDefault();
          event.stopPropagation();
          if (choice.text === "") event.currentTarget.blur();
          else onChange({ text: "" });
        }}
      />
      <fieldset className="flex rounded-[0.6rem] border border-line bg-raised p-0.5">
        <legend className="sr-only">Which processes</legend>
        {which.map(([value, label]) => (
          <label
            key={value}
            className={`flex min-h-8 cursor-pointer items-center rounded-md px-2.5 text-xs has-focus-visible:outline-2 has-focus-visible:outline-glow pointer-coarse:min-h-9 ${choice.which === value ? "bg-wash font-medium text-ember" : "text-soft"}`}
          >
            <input
              type="radio"
              name="which"
              data-testid={`show-${value}`}
              className="sr-only"
              checked={choice.which === value}
              onChange={() => onChange({ which: value })}
            />
            {label}
          </label>
        ))}
      </fieldset>
      <select
        data-testid="board-session"
        aria-label="Conversation"
        className="field w-auto! max-w-48 text-xs max-sm:max-w-none max-sm:min-w-0 max-sm:grow max-sm:basis-2/5"
        value={choice.session ?? ""}
        onChange={(event) => onChange({ session: event.target.value || null })}
      >
        <option value="">All conversations</option>
        {sessions.map(([id, title]) => (
          <option key={id} value={id}>
            {title}
          </option>
        ))}
      </select>
      <select
        data-testid="board-sort"
        aria-label="Order"
        className="field w-auto! text-xs max-sm:min-w-0 max-sm:grow max-sm:basis-2/5"
        value={choice.sort}
        onChange={(event) => onChange({ sort: event.target.value as SortKey, reversed: false })}
      >
        {sorts.map(([value, label]) => (
          <option key={value} value={value}>
            {label}
          </option>
        ))}
      </select>
    </search>
  );
}
