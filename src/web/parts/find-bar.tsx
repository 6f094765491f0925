// The field one searches with, wherever something is searched: words, how many were found, and from one to the next.
import { type ReactNode, useEffect, useRef } from "react";
import { Chevron, Close } from "./icons.tsx";

export interface FindBarProps {
  /** What is searched, as a person says it. */
  label: string;
  testId: string;
  className: string;
  words: string;
  onWords: (words: string) => void;
  exact: boolean;
  onExact: (exact: boolean) => void;
  /** How many were found, in a word or two. */
  found: string;
  /** Which way Enter goes: in what grows at its end one looks for the latest first. */
  enter: "earlier" | "later";
  onMove: (way: "earlier" | "later") => void;
  onClose: () => void;
}

export function FindBar(props: FindBarProps) {
  const { words, exact, enter, onMove, onClose } = props;
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => field.current?.focus(), []);
  const other = enter === "earlier" ? "later" : "earlier";
  const keyOf = (way: "earlier" | "later") => (way === enter ? "Enter" : "Shift Enter");
  return (
    <search
      className={props.className}
      onKeyDown={(event) => {
        // What stands behind has keys of its own.
        event.stopPropagation();
        if (event.key === "Escape") onClose();
      }}
    >
      <input
        ref={field}
        type="text"
        data-testid={props.testId}
        aria-label={props.label}
        placeholder="Find"
        className="field min-w-0 flex-1 border-transparent! bg-transparent! font-mono text-xs pointer-fine:min-h-8!"
        value={words}
        spellCheck={false}
        autoComplete="off"
        autoCapitalize="off"
        onChange={(event) => props.onWords(event.target.value)}
        onKeyDown={(event) => {
          if (event.key !== "Enter" || event.nativeEvent.isComposing) return;
          event.preventDefault();
          onMove(event.shiftKey ? other : enter);
        }}
      />
      <span
        role="status"
        data-testid={`${props.testId}-count`}
        className="min-w-14 px-1 text-center text-2xs text-faint tabular-nums"
      >
        {props.found}
      </span>
      <Button
        label="Match case"
        className={`text-xs font-semibold ${exact ? "bg-wash! text-ember!" : ""}`}
        pressed={exact}
        onClick={() => props.onExact(!exact)}
      >
        Aa
      </Button>
      <Button label="Earlier" title={`Earlier (${keyOf("earlier")})`} onClick={() => onMove("earlier")}>
        <Chevron size={15} className="-rotate-90" />
      </Button>
      <Button label="Later" title={`Later (${keyOf("later")})`} onClick={() => onMove("later")}>
        <Chevron size={15} className="rotate-90" />
      </Button>
      <Button label="End the search" title="End the search (Esc)" onClick={onClose}>
        <Close size={15} />
      </Button>
    </search>
  );
}

interface ButtonProps {
  label: string;
  title?: string;
  className?: string;
  pressed?: boolean;
  onClick: () => void;
  children: ReactNode;
}

function Button({ label, title = label, className = "", pressed, onClick, children }: ButtonProps) {
  return (
    <button
      type="button"
      className={`icon-btn ${className}`}
      aria-label={label}
      aria-pressed={pressed}
      title={title}
      onClick={onClick}
    >
      {children}
    </button>
  );
}
