// A real terminal in the session's workspace. It outlives this page: closing it here detaches, nothing more.
import { useEffect, useRef, useState } from "react";
import { openTerminal } from "../../client/browser.ts";
import { type TerminalListener, TerminalStream } from "../../client/terminal.ts";
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

    const says = (text: string) => terminal.write(`\r\n\x1b[2m── ${text} Press Enter for a new one. ──\x1b[0m\r\n`);

    const attach = (id: string) => {
      stream?.close();
      const listener: TerminalListener = {
        onBytes: (bytes, { replay }) => terminal.write(bytes, replay ? mute.drawing() : undefined),
        onReset: () => terminal.reset(),
        // Another viewer's size is drawn as it is; ours comes back when this place changes its size.
        onResize: (rows, cols) => {
          if (rows !== terminal.rows || cols !== terminal.cols) terminal.resize(cols, rows);
        },
        onExit: (end) => {
          // Somebody has begun a new shell of this name: that is the one to show.
          if (end.cause === "replaced") return void open();
          ended = true;
          const how = end.signal ?? (end.exit_code === null ? end.cause : `exit code ${end.exit_code}`);
          says(`The shell has ended (${how}).`);
        },
        onError: (error) => setProblem(error.message),
        onConnection: (is, over) => {
          // What an older stream still has to say is no longer about this screen.
          if (stream !== mine) return;
          setConnected(is || over);
          if (is) {
            setProblem(null);
            mine.resize(size.rows, size.cols);
          } else if (over && !ended) {
            ended = true;
            says("This terminal is gone.");
          }
        },
      };
      const mine = new TerminalStream({ open: (from) => openTerminal(id, from), listener });
      stream = mine;
    };

    /** The living shell of this session, wherever it was begun; without one a new one in the session's workspace. */
    const open = async () => {
      setProblem(null);
      try {
        const { terminals } = await hub.client.call("terminal.list", { session_id: session }, gone.signal);
        const living = terminals.find((one) => one.name === NAME && one.status === "running");
        // Named in another workspace it would be replaced, and what runs in it ended.
        const where = living === undefined ? {} : { workspace: living.workspace };
        const named = { session_id: session, name: NAME, ...size, ...where };
        const opened = await hub.client.call("terminal.open", named, gone.signal);
        if (gone.signal.aborted) return;
        ended = false;
        attach(opened.terminal_id);
      } catch (error) {
        if (!gone.signal.aborted) setProblem(error instanceof Error ? error.message : String(error));
      }
    };

    const send = (data: string | Uint8Array<ArrayBuffer>) => {
      if (ended) {
        if (data === "\r") void open();
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

    void open();
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
