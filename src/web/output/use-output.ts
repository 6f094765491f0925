// The output of one process for a component: live, and page by page for what came before.
import { useCallback, useEffect, useState } from "react";
import { batch, nextFrame } from "../batch.ts";
import { latest, type Piece } from "./latest.ts";
import { OutputLog, type Shown } from "./output-log.ts";
import { followOutput, readOutput } from "./source.ts";

const PAGE_BYTES = 256 * 1024;
const NEWLINE = 0x0a;
const nothing: Shown = { blocks: [], lines: 0, from: 0, to: 0 };

export interface Live {
  shown: Shown;
  /** False until the host has said what there is. */
  loaded: boolean;
  connected: boolean;
}

/** As it comes, the last of it at first. */
export function useLiveOutput(id: string, onEnd: () => void): Live {
  const [live, setLive] = useState<Live>({ shown: nothing, loaded: false, connected: false });
  useEffect(() => {
    const log = new OutputLog();
    const arriving = batch<Piece>((pieces) => {
      for (const { bytes, offset } of latest(pieces)) log.write(bytes, offset);
      setLive((before) => ({ ...before, shown: log.shown(), loaded: true }));
    }, nextFrame);
    const stream = followOutput(id, {
      onBytes: (bytes, { offset }) => arriving.add({ bytes, offset }),
      onReset: () => {
        arriving.flush();
        log.reset(stream.offset ?? 0);
      },
      onLive: () => {
        arriving.flush();
        setLive((before) => ({ ...before, shown: log.shown(), loaded: true }));
      },
      onExit: onEnd,
      onConnection: (connected, over) => setLive((before) => ({ ...before, connected: connected || over })),
    });
    return () => {
      arriving.stop();
      stream.close();
    };
  }, [id, onEnd]);
  return live;
}

export interface Pager {
  /** What is shown in place of the live end; null: the live end. */
  page: (Shown & { atBeginning: boolean; came: "earlier" | "later" }) | null;
  problem: string | null;
  /** What came before, or after. */
  turn(to: "earlier" | "later"): void;
  back(): void;
}

/** Older output, a page at a time: however much there is, one page is in memory. */
export function usePager(id: string, live: Shown): Pager {
  const [page, setPage] = useState<Pager["page"]>(null);
  const [problem, setProblem] = useState<string | null>(null);
  const back = useCallback(() => {
    setPage(null);
    setProblem(null);
  }, []);
  const turn = useCallback(
    (to: "earlier" | "later") => {
      const now = page ?? live;
      if (to === "later" && now.to >= live.from) {
        back();
        return;
      }
      const end = to === "earlier" ? now.from : Math.min(now.to + PAGE_BYTES, live.from);
      const start = to === "earlier" ? Math.max(0, end - PAGE_BYTES) : now.to;
      setProblem(null);
      readOutput(id, start, end - start).then(
        (read) => setPage({ ...pageOf(read, start, end), came: to }),
        (error: unknown) => setProblem(error instanceof Error ? error.message : String(error)),
      );
    },
    [id, page, live, back],
  );
  return { page, problem, turn, back };
}

function pageOf({ from, bytes }: { from: number; bytes: Uint8Array }, asked: number, end: number) {
  const log = new OutputLog();
  // Not at a line's beginning, unless it is the beginning of all there is.
  const atBeginning = asked === 0 || from > asked;
  const skip = atBeginning ? 0 : bytes.indexOf(NEWLINE) + 1;
  log.reset(from + skip);
  log.write(bytes.subarray(skip, Math.max(skip, end - from)), from + skip);
  const shown = log.shown();
  // Very short lines are more than are drawn: the first of them come with the page before.
  return { ...shown, atBeginning: atBeginning && shown.from === from };
}
