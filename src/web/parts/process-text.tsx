// What a process prints: as it comes, in colour, searched, and as far back as it is kept.
import { useCallback, useDeferredValue, useEffect, useLayoutEffect, useMemo, useRef, useState } from "react";
import type { Hub } from "../hub.ts";
import { Finder, MOST_MATCHES } from "../output/find.ts";
import { downloadOutput } from "../output/source.ts";
import { useLiveOutput, usePager } from "../output/use-output.ts";
import { FindBar } from "./find-bar.tsx";
import { Down, Search } from "./icons.tsx";
import { OutputLines } from "./output-lines.tsx";

export interface ProcessTextProps {
  id: string;
  command: string;
  running: boolean;
  hub: Hub;
}

/** So near to the end one is taken to want to see what comes. */
const NEAR_PX = 24;

export function ProcessText({ id, command, running, hub }: ProcessTextProps) {
  const onEnd = useCallback(() => hub.refreshProcesses(), [hub]);
  const live = useLiveOutput(id, onEnd);
  const pager = usePager(id, live.shown);
  const shown = pager.page ?? live.shown;
  const [wrap, setWrap] = useState(true);
  const [finding, setFinding] = useState(false);
  const [problem, setProblem] = useState<string | null>(null);
  const scroller = useRef<HTMLElement>(null);
  const search = useSearch(shown.blocks, scroller);
  const { away, toEnd, onScroll } = useFollow(scroller, shown, pager.page === null);

  // One reads on where the page that was turned ends, or begins.
  const { page } = pager;
  useLayoutEffect(() => {
    const { current } = scroller;
    if (page !== null && current !== null) current.scrollTop = page.came === "earlier" ? current.scrollHeight : 0;
  }, [page]);

  const endSearch = () => {
    setFinding(false);
    search.setWords("");
    scroller.current?.focus();
  };
  const empty = shown.lines === 0;
  const mayTurn = pager.page === null ? live.shown.from > 0 : !pager.page.atBeginning;

  return (
    <div className="relative flex min-h-0 flex-1 flex-col">
      <div className="flex flex-none flex-wrap items-center gap-1 border-t border-line px-2 py-1">
        <span className="min-w-0 flex-1 truncate text-2xs text-faint tabular-nums" role="status">
          {!live.connected && live.loaded
            ? "The connection is lost; it is tried again."
            : pager.page === null
              ? `${live.shown.lines.toLocaleString()} ${live.shown.lines === 1 ? "line" : "lines"}`
              : `Earlier output, from byte ${pager.page.from.toLocaleString()}`}
        </span>
        {pager.page !== null && (
          <>
            <button type="button" className={small} data-testid="later-output" onClick={() => pager.turn("later")}>
              Later
            </button>
            <button type="button" className={small} data-testid="back-to-live" onClick={pager.back}>
              Back to the end
            </button>
          </>
        )}
        <button
          type="button"
          className={small}
          aria-pressed={wrap}
          title="Break long lines"
          onClick={() => setWrap(!wrap)}
        >
          {wrap ? "Wrapped" : "Not wrapped"}
        </button>
        <button
          type="button"
          className={small}
          data-testid="download-output"
          title="All that is kept, byte by byte as it was printed"
          onClick={() => {
            setProblem(null);
            downloadOutput(id, `${id}.log`).catch((error: unknown) =>
              setProblem(error instanceof Error ? error.message : String(error)),
            );
          }}
        >
          Download
        </button>
        <button
          type="button"
          className="icon-btn"
          data-testid="find-in-output"
          data-find=""
          aria-label="Find in its output"
          title="Find ( / )"
          aria-pressed={finding}
          onClick={() => (finding ? endSearch() : setFinding(true))}
        >
          <Search size={15} />
        </button>
      </div>
      {finding && (
        <FindBar
          label="Find in its output"
          testId="output-search"
          className="flex flex-none items-center gap-0.5 border-t border-line px-1.5 py-1"
          words={search.words}
          onWords={search.setWords}
          exact={search.exact}
          onExact={search.setExact}
          found={search.found}
          enter="later"
          onMove={(way) => search.move(way === "later" ? 1 : -1)}
          onClose={endSearch}
        />
      )}
      {(problem ?? pager.problem) !== null && (
        <p className="px-3 py-1 text-xs text-bad" role="alert">
          {problem ?? pager.problem}
        </p>
      )}
      <section
        ref={scroller}
        data-testid="process-output"
        data-process-id={id}
        aria-label={`Output of ${command}`}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: it must be scrollable by keyboard
        tabIndex={0}
        className="min-h-0 flex-1 overflow-auto bg-sunken px-3 py-2 text-code-ink"
        onScroll={onScroll}
      >
        {mayTurn && (
          <button
            type="button"
            className="btn mb-2 text-xs!"
            data-testid="earlier-output"
            onClick={() => pager.turn("earlier")}
          >
            Show earlier output
          </button>
        )}
        {empty ? (
          <p className="text-xs text-faint">
            {!live.loaded ? "Reading…" : running ? "Nothing printed yet." : "It printed nothing."}
          </p>
        ) : (
          <OutputLines blocks={shown.blocks} finder={search.finder} current={search.current} wrap={wrap} />
        )}
      </section>
      {away && pager.page === null && (
        <button
          type="button"
          data-testid="follow-output"
          className="btn absolute bottom-3 left-1/2 -translate-x-1/2 rounded-full! text-xs! shadow-[0_6px_20px_-8px_var(--shadow)]"
          onClick={toEnd}
        >
          <Down size={14} /> {running ? "Follow again" : "To the end"}
        </button>
      )}
    </div>
  );
}
const small = "btn btn-quiet px-2! text-2xs! font-normal! pointer-fine:min-h-7!";

/** Holds the end in view while the reader is there, and leaves the reader alone elsewhere. */
function useFollow(scroller: React.RefObject<HTMLElement | null>, shown: unknown, isLive: boolean) {
  const held = useRef(true);
  const [away, setAway] = useState(false);
  const toEnd = useCallback(() => {
    held.current = true;
    const { current } = scroller;
    if (current !== null) current.scrollTop = current.scrollHeight;
    setAway(false);
  }, [scroller]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: what is shown is the occasion
  useLayoutEffect(() => {
    if (isLive && held.current) toEnd();
  }, [shown, isLive, toEnd]);
  useEffect(() => {
    const { current } = scroller;
    if (current === null) return;
    const watcher = new ResizeObserver(() => {
      if (isLive && held.current) toEnd();
    });
    watcher.observe(current);
    return () => watcher.disconnect();
  }, [scroller, isLive, toEnd]);
  const onScroll = () => {
    const { current } = scroller;
    if (current === null) return;
    held.current = current.scrollHeight - current.scrollTop - current.clientHeight < NEAR_PX;
    setAway(!held.current);
  };
  return { away, toEnd, onScroll };
}

/** What is looked for, and which of what was found is meant. */
function useSearch(blocks: Parameters<Finder["all"]>[0], scroller: React.RefObject<HTMLElement | null>) {
  const [words, setWords] = useState("");
  const [exact, setExact] = useState(false);
  const [at, setAt] = useState(0);
  const finder = useMemo(() => new Finder(words, exact), [words, exact]);
  // Output that streams in must not wait for a search through all of it.
  const searched = useDeferredValue(blocks);
  const matches = useMemo(() => finder.all(searched), [finder, searched]);
  const index = matches.length === 0 ? 0 : Math.min(at, matches.length - 1);
  const current = matches[index] ?? null;
  // biome-ignore lint/correctness/useExhaustiveDependencies: another match, or another search, is the occasion
  useLayoutEffect(() => {
    scroller.current?.querySelector("[data-current]")?.scrollIntoView({ block: "center", inline: "nearest" });
  }, [at, finder]);
  const move = (by: number) => {
    if (matches.length > 0) setAt((index + by + matches.length) % matches.length);
  };
  const count = matches.length;
  const many = count >= MOST_MATCHES ? `${MOST_MATCHES.toLocaleString()}+` : count.toLocaleString();
  const found = words === "" ? "" : count === 0 ? "none" : `${(index + 1).toLocaleString()} of ${many}`;
  return {
    ...{ words, exact, finder, current, found, move },
    setWords: (to: string) => {
      setWords(to);
      setAt(0);
    },
    setExact,
  };
}
