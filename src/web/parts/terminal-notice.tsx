// A word about a terminal that goes by itself: at its corner for a moment, so that it hides no output for long.
import { useEffect, useState } from "react";
import { visiblePieces } from "../visible.ts";
import { Close } from "./icons.tsx";

export interface Notice {
  text: string;
  /** What can be done about it. */
  action: { label: string; act: () => void } | null;
  /** How many others were not shown. */
  held: number;
}

/** Long enough to be read; whoever points at it or is in it reads on. */
const READ_MS = 6_000;
const DECIDE_MS = 20_000;

export interface TerminalNoticeProps {
  notice: Notice;
  onAct: () => void;
  onDismiss: () => void;
}

export function TerminalNotice({ notice, onAct, onDismiss }: TerminalNoticeProps) {
  const [held, setHeld] = useState(false);
  useEffect(() => {
    if (held) return;
    const timer = setTimeout(onDismiss, notice.action === null ? READ_MS : DECIDE_MS);
    return () => clearTimeout(timer);
  }, [notice, held, onDismiss]);
  const text = seen(notice.text);
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: pointing at it only keeps it there
    <div
      data-testid="terminal-notice"
      className="card rise pointer-events-auto mt-1.5 mr-3 flex max-w-[min(30rem,calc(100%-1.5rem))] items-center gap-1.5 py-0.5 pr-0.5 pl-3 text-xs shadow-lg"
      onPointerEnter={() => setHeld(true)}
      onPointerLeave={() => setHeld(false)}
      onFocus={() => setHeld(true)}
      onBlur={() => setHeld(false)}
      onKeyDown={(event) => {
        if (event.key !== "Escape") return;
        event.stopPropagation();
        onDismiss();
      }}
    >
      <span className="line-clamp-3 min-w-0 flex-1 wrap-anywhere" title={text}>
        {text}
        {notice.held > 0 && <span className="text-faint"> · and {notice.held} more</span>}
      </span>
      {notice.action !== null && (
        <button type="button" className="btn btn-quiet flex-none px-2! text-xs!" onClick={onAct}>
          {notice.action.label}
        </button>
      )}
      <button type="button" className="icon-btn" aria-label="Dismiss" title="Dismiss (Esc)" onClick={onDismiss}>
        <Close size={14} />
      </button>
    </div>
  );
}

/** Words of a program, with what is invisible in them named. */
function seen(text: string): string {
  return visiblePieces(text)
    .map((piece) => piece.text)
    .join("");
}
