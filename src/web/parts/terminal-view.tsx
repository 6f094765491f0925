// A real terminal in the session's workspace. It outlives this page: closing it here detaches, nothing more.
import { useEffect, useRef, useState } from "react";
import { openTerminal } from "../../client/browser.ts";
import { TerminalStream } from "../../client/terminal.ts";
import type { Hub } from "../hub.ts";
import { Mute } from "../replay.ts";
import { openScreen } from "../screen.ts";

export interface TerminalViewProps {
  hub: Hub;
  session: string;
}

const encoder = new TextEncoder();
const NAME = "main";

export default function TerminalView({ hub, session }: TerminalViewProps) {
  const place = useRef<HTMLElement>(null);
  const [problem, setProblem] = useState<string | null>(null);
  const [connected, setConnected] = useState(true);

  useEffect(() => {
    if (place.current === null) return;
    const mute = new Mute();
    const gone = new AbortController();
    let stream: TerminalStream | undefined;
    /** The shell has ended; Enter asks for a new one. */
    let ended = false;
    let size = { rows: 24, cols: 80 };

    const screen = openScreen(place.current, {
      label: "Terminal",
      onFit: (rows, cols) => {
        size = { rows, cols };
        stream?.resize(rows, cols);
      },
    });
    const { terminal } = screen;

    const attach = (id: string) => {
      stream?.close();
      stream = new TerminalStream({
        open: (from) => openTerminal(id, from),
        listener: {
          onBytes: (bytes, { replay }) => terminal.write(bytes, replay ? mute.drawing() : undefined),
          onReset: () => terminal.reset(),
          // Another viewer's size is drawn as it is; ours comes back with the next key or resize here.
          onResize: (rows, cols) => {
            if (rows !== terminal.rows || cols !== terminal.cols) terminal.resize(cols, rows);
          },
          onExit: (end) => {
            ended = true;
            const how = end.signal ?? (end.exit_code === null ? end.cause : `exit code ${end.exit_code}`);
            terminal.write(`\r\n\x1b[2m── The shell has ended (${how}). Press Enter for a new one. ──\x1b[0m\r\n`);
          },
          onError: (error) => setProblem(error.message),
          onConnection: (is) => {
            setConnected(is || ended);
            if (is) {
              setProblem(null);
              stream?.resize(size.rows, size.cols);
            }
          },
        },
      });
    };

    const open = async (restart: boolean) => {
      setProblem(null);
      try {
        const opened = await hub.client.call(
          "terminal.open",
          { session_id: session, name: NAME, rows: size.rows, cols: size.cols, ...(restart ? { restart } : {}) },
          gone.signal,
        );
        if (gone.signal.aborted) return;
        ended = false;
        if (restart) terminal.reset();
        attach(opened.terminal_id);
      } catch (error) {
        if (!gone.signal.aborted) setProblem(error instanceof Error ? error.message : String(error));
      }
    };

    const send = (data: string | Uint8Array<ArrayBuffer>) => {
      if (ended) {
        if (data === "\r") void open(true);
        return;
      }
      stream?.send(typeof data === "string" ? encoder.encode(data) : data);
    };
    terminal.onData((data) => {
      if (mute.allows(data)) send(data);
    });
    // Mouse reports in the old encoding are bytes, not text.
    terminal.onBinary((data) => send(Uint8Array.from(data, (character) => character.charCodeAt(0))));

    // Tab belongs to the shell; Escape then Tab leaves the terminal by keyboard.
    let escaped = false;
    terminal.attachCustomKeyEventHandler((event) => {
      if (event.type !== "keydown") return true;
      const leaves = event.key === "Tab" && escaped;
      escaped = event.key === "Escape";
      return !leaves;
    });

    void open(false);
    return () => {
      gone.abort();
      stream?.close();
      screen[Symbol.dispose]();
    };
  }, [hub, session]);

  return (
    <div className="relative flex h-full min-h-0 flex-col bg-sunken">
      <section ref={place} data-testid="terminal" aria-label="Terminal" className="min-h-0 flex-1 overflow-hidden" />
      {(problem !== null || !connected) && (
        <p className="border-t border-line px-4 py-2 text-xs text-warn" role="status">
          {problem ?? "Connecting to the terminal again…"}
        </p>
      )}
    </div>
  );
}
