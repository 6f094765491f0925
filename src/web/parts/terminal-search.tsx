// Finds words in what a terminal has printed, as far back as the page keeps it.
import type { ISearchOptions, SearchAddon } from "@xterm/addon-search";
import { useEffect, useState } from "react";
import { FindBar } from "./find-bar.tsx";

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
  useEffect(() => {
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
    <FindBar
      label="Find in this terminal"
      testId="terminal-search"
      className="card absolute top-2 right-4 z-20 flex max-w-[calc(100%-1.5rem)] items-center gap-0.5 p-1 shadow-lg"
      words={text}
      onWords={(words) => {
        setText(words);
        find(words, "same");
      }}
      exact={exact}
      onExact={(to) => {
        setExact(to);
        find(text, "same", to);
      }}
      found={count}
      enter="earlier"
      onMove={(way) => find(text, way === "later" ? "next" : "previous")}
      onClose={onClose}
    />
  );
}
