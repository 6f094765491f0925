// A line to say to a process, and the three keys that end things.
import { useState } from "react";
import type { Hub } from "../hub.ts";
import { Send } from "./icons.tsx";

/** Ctrl-C is what the terminal makes of it where there is one, a signal where there is none. */
const INTERRUPT = "\u0003";

export function ProcessInput({ id, mode, hub }: { id: string; mode: "pipe" | "pty"; hub: Hub }) {
  const [text, setText] = useState("");
  const [problem, setProblem] = useState<string | null>(null);
  const attempt = (work: Promise<unknown>, then?: () => void) => {
    setProblem(null);
    work.then(then, (error: unknown) => setProblem(error instanceof Error ? error.message : String(error)));
  };
  const { client } = hub;
  const isTerminal = id.startsWith("term_");
  const send = () =>
    attempt(
      isTerminal
        ? client.call("terminal.input", { terminal_id: id, data: `${text}\r` })
        : client.call("process.submit", { process_id: id, data: text }),
      () => setText(""),
    );
  const end = () =>
    attempt(
      isTerminal
        ? client.call("terminal.input", { terminal_id: id, data: "\u0004" })
        : client.call("process.close", { process_id: id }),
    );
  const interrupt = () => {
    if (isTerminal) attempt(client.call("terminal.input", { terminal_id: id, data: INTERRUPT }));
    else if (mode === "pty") attempt(client.call("process.write", { process_id: id, data: INTERRUPT }));
    else attempt(client.call("process.signal", { process_id: id, signal: "INT" }));
  };
  return (
    <form
      className="flex flex-none flex-wrap items-center gap-1 border-t border-line p-1.5"
      onSubmit={(event) => {
        event.preventDefault();
        send();
      }}
    >
      <input
        className="field min-w-40 flex-1 pointer-fine:min-h-8! border-transparent! bg-transparent! font-mono text-xs"
        data-testid="process-input"
        aria-label="A line for its standard input"
        placeholder="Say a line to it…"
        value={text}
        spellCheck={false}
        autoComplete="off"
        autoCapitalize="off"
        onChange={(event) => setText(event.target.value)}
      />
      <button type="submit" className="icon-btn" aria-label="Send the line" title="Send the line">
        <Send size={15} />
      </button>
      <button type="button" className={key} data-testid="send-eof" title="End its input (Ctrl-D)" onClick={end}>
        End input
      </button>
      <button type="button" className={key} data-testid="send-interrupt" title="Interrupt it" onClick={interrupt}>
        Ctrl-C
      </button>
      {problem !== null && (
        <p className="w-full px-2 text-xs text-bad" role="alert">
          {problem}
        </p>
      )}
    </form>
  );
}
const key = "btn btn-quiet px-2! text-xs! font-normal! pointer-fine:min-h-8!";
