// What is to be said about a terminal: that it ended or has another's size, at its foot; for a moment also over it.
import { useSyncExternalStore } from "react";
import type { Shell } from "../terminal/shell.ts";
import { type Notice, TerminalNotice } from "./terminal-notice.tsx";

export interface TerminalStatusProps {
  shell: Shell;
  notice: Notice | null;
  onNotice: () => void;
  onDismiss: () => void;
  /** Something was pressed: the keyboard goes back to the terminal. */
  onDone: () => void;
}

const LINE = "flex min-h-10 items-center gap-2 border-t border-line bg-surface px-3 py-1 text-xs";

export function TerminalStatus({ shell, notice, onNotice, onDismiss, onDone }: TerminalStatusProps) {
  const state = useSyncExternalStore(shell.state.subscribe, shell.state.get);
  const { phase, ending, problem, mine, rows, cols } = state;
  return (
    <div role="status" data-testid="terminal-status" data-phase={phase} data-mine={mine} data-size={`${rows}x${cols}`}>
      {/* Over the screen, not beside it: what is said for a moment takes no room from a program. */}
      <div className="pointer-events-none absolute inset-x-0 top-0 z-10 flex flex-col items-end">
        {phase === "away" && <p className={`${LINE} w-full text-warn shadow-lg`}>Connecting to the terminal again…</p>}
        {notice !== null && <TerminalNotice notice={notice} onAct={onNotice} onDismiss={onDismiss} />}
      </div>
      {phase === "ended" && (
        <p className={LINE} data-testid="terminal-ended">
          <span className="min-w-0 flex-1">
            Shell {ending} — press Enter for a new one.
            {problem !== null && <span className="block text-bad">{problem}</span>}
          </span>
          <button
            type="button"
            className="btn"
            onClick={() => {
              void shell.open(true);
              onDone();
            }}
          >
            New shell
          </button>
        </p>
      )}
      {phase === "live" && !mine && (
        <p className={LINE} data-testid="terminal-other">
          <span className="min-w-0 flex-1 text-soft">
            Another viewer decides the size: {cols} × {rows}.
          </span>
          <button
            type="button"
            className="btn"
            data-testid="take-over"
            onClick={() => {
              shell.take();
              onDone();
            }}
          >
            Take over
          </button>
        </p>
      )}
    </div>
  );
}
