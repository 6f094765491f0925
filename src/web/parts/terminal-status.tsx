// What is to be said about a terminal, at its foot: that it ended, is away, has another's size, or what a program tried.
import { useSyncExternalStore } from "react";
import type { Shell } from "../terminal/shell.ts";
import { visiblePieces } from "../visible.ts";
import { Close } from "./icons.tsx";

export interface Notice {
  text: string;
  /** What can be done about it. */
  action: { label: string; act: () => void } | null;
  /** How many others were not shown. */
  held: number;
}

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
      <div className="absolute inset-x-0 top-0 z-10 shadow-lg">
        {notice !== null && (
          <p className={LINE} data-testid="terminal-notice">
            <span className="min-w-0 flex-1 truncate" title={seen(notice.text)}>
              {seen(notice.text)}
              {notice.held > 0 && <span className="text-faint"> · and {notice.held} more</span>}
            </span>
            {notice.action !== null && (
              <button type="button" className="btn btn-quiet" onClick={onNotice}>
                {notice.action.label}
              </button>
            )}
            <button type="button" className="icon-btn" aria-label="Dismiss" onClick={onDismiss}>
              <Close size={14} />
            </button>
          </p>
        )}
        {phase === "away" && <p className={`${LINE} text-warn`}>Connecting to the terminal again…</p>}
        {phase === "live" && problem !== null && <p className={`${LINE} text-warn`}>{problem}</p>}
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

/** Words of a program, with what is invisible in them named. */
function seen(text: string): string {
  return visiblePieces(text)
    .map((piece) => piece.text)
    .join("");
}
