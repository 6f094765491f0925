// What a terminal shows, as plain text: to be selected by finger, read aloud, or copied whole.
import type { Terminal } from "@xterm/xterm";
import { useLayoutEffect, useRef, useState } from "react";
import { Close } from "./icons.tsx";

/** Everything that is kept, screen and scrollback; lines that were only wrapped are one. */
export function textOf(terminal: Pick<Terminal, "buffer">): string {
  const { active } = terminal.buffer;
  const lines: string[] = [];
  for (let y = 0; y < active.length; y += 1) {
    const line = active.getLine(y);
    const goesOn = active.getLine(y + 1)?.isWrapped === true;
    const text = line?.translateToString(!goesOn) ?? "";
    if (line?.isWrapped === true) lines.push((lines.pop() ?? "") + text);
    else lines.push(text);
  }
  return lines.join("\n").trimEnd();
}

export interface TerminalTextProps {
  /** As it was when it was asked for: it does not run away under a finger. */
  text: string;
  onCopy: (text: string) => void;
  onClose: () => void;
}

export function TerminalText({ text, onCopy, onClose }: TerminalTextProps) {
  const shown = useRef<HTMLPreElement>(null);
  const [copied, setCopied] = useState(false);
  // With its coming: a long text takes a while to be drawn, and keys pressed meanwhile would go to the shell.
  useLayoutEffect(() => {
    const place = shown.current;
    if (place === null) return;
    place.scrollTop = place.scrollHeight;
    place.focus();
  }, []);
  const copy = () => {
    const chosen = String(window.getSelection());
    onCopy(chosen === "" ? text : chosen);
    setCopied(true);
  };
  return (
    <section
      aria-label="What the terminal shows, as text"
      data-testid="terminal-text"
      className="absolute inset-0 z-20 flex flex-col bg-surface"
      onKeyDown={(event) => {
        event.stopPropagation();
        if (event.key === "Escape") onClose();
      }}
    >
      <div className="flex min-h-11 flex-none items-center gap-2 border-b border-line px-3 text-xs">
        <span className="min-w-0 flex-1 truncate text-soft">Select what you want, or copy all of it.</span>
        <button type="button" className="btn" data-testid="text-copy" onClick={copy}>
          {copied ? "Copied" : "Copy"}
        </button>
        <button type="button" className="icon-btn" aria-label="Back to the terminal" onClick={onClose}>
          <Close size={15} />
        </button>
      </div>
      <pre
        ref={shown}
        // It has to be scrolled and selected in by keyboard too.
        // biome-ignore lint/a11y/noNoninteractiveTabindex: see above
        tabIndex={0}
        className="min-h-0 flex-1 overflow-auto p-3 font-mono text-xs whitespace-pre-wrap select-text [overflow-wrap:anywhere]"
      >
        {text}
      </pre>
    </section>
  );
}
