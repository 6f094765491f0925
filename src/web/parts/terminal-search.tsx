// Finds words in what a terminal has printed, as far back as the page keeps it.
import type { ISearchOptions, SearchAddon } from "@xterm/addon-search";
import { useEffect, useRef, useState } from "react";
import { Chevron, Close } from "./icons.tsx";

const marks: NonNullable<ISearchOptions["decorations"]> = {
  matchBackground: "#7a5a1e",
  matchOverviewRuler: "#e3b65c",
  activeMatchBackground: "#c2521a",
  activeMatchColorOverviewRuler: "#f07f3e",
};

export function TerminalSearch({ search, onClose }: { search: SearchAddon; onClose: () => void }) {
  const [text, setText] = useState("");
  const [exact, setExact] = useState(false);
  const [found, setFound] = useState<{ resultIndex: number; resultCount: number } | null>(null);
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => {
    field.current?.focus();
    const watching = search.onDidChangeResults(setFound);
    return () => {
      watching.dispose();
      search.clearDecorations();
    };
  }, [search]);

  const find = (words: string, which: "next" | "previous" | "same", caseSensitive = exact) => {
    const options = { caseSensitive, decorations: marks, incremental: which === "same" };
    if (words === "") search.clearDecorations();
    else if (which === "next") search.findNext(words, options);
    // Upwards: what was printed last is found first.
    else search.findPrevious(words, options);
    if (words === "") setFound(null);
  };
  const count =
    text === "" || found === null
      ? ""
      : found.resultCount === 0
        ? "none"
        : found.resultIndex < 0
          ? `${found.resultCount}+`
          : `${found.resultIndex + 1} of ${found.resultCount}`;
  return (
    <search
      className="card absolute top-2 right-4 z-20 flex max-w-[calc(100%-1.5rem)] items-center gap-0.5 p-1 shadow-lg"
      onKeyDown={(event) => {
        event.stopPropagation();
        if (event.key === "Escape") onClose();
      }}
    >
      <input
        ref={field}
        type="text"
        data-testid="terminal-search"
        aria-label="Find in this terminal"
        placeholder="Find"
        className="field min-w-0 flex-1 border-transparent! bg-transparent! font-mono text-xs"
        value={text}
        spellCheck={false}
        autoComplete="off"
        autoCapitalize="off"
        onChange={(event) => {
          setText(event.target.value);
          find(event.target.value, "same");
        }}
        onKeyDown={(event) => {
          if (event.key !== "Enter" || event.nativeEvent.isComposing) return;
          event.preventDefault();
          find(text, event.shiftKey ? "next" : "previous");
        }}
      />
      <span
        className="min-w-12 px-1 text-center text-2xs text-faint tabular-nums"
        role="status"
        data-testid="search-count"
      >
        {count}
      </span>
      <button
        type="button"
        className={`icon-btn text-xs font-semibold ${exact ? "bg-wash! text-ember!" : ""}`}
        aria-label="Match case"
        aria-pressed={exact}
        title="Match case"
        onClick={() => {
          setExact(!exact);
          find(text, "same", !exact);
        }}
      >
        Aa
      </button>
      <button
        type="button"
        className="icon-btn"
        aria-label="Earlier"
        title="Earlier (Enter)"
        onClick={() => find(text, "previous")}
      >
        <Chevron size={15} className="-rotate-90" />
      </button>
      <button
        type="button"
        className="icon-btn"
        aria-label="Later"
        title="Later (Shift Enter)"
        onClick={() => find(text, "next")}
      >
        <Chevron size={15} className="rotate-90" />
      </button>
      <button type="button" className="icon-btn" aria-label="End the search" onClick={onClose}>
        <Close size={15} />
      </button>
    </search>
  );
}
