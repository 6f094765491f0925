// A process's output as it comes, drawn safely, and a line to say something to it.
import { useEffect, useRef, useState } from "react";
import { openTerminal } from "../../client/browser.ts";
import { TerminalStream } from "../../client/terminal.ts";
import type { Hub, ProcessItem } from "../hub.ts";
import { openScreen } from "../screen.ts";
import { Send } from "./icons.tsx";
import { type Question, TerminalQuestion } from "./terminal-question.tsx";

export default function ProcessOutput({ process, hub }: { process: ProcessItem; hub: Hub }) {
  const place = useRef<HTMLElement>(null);
  const [question, setQuestion] = useState<Question | null>(null);
  const { process_id: id, mode } = process;
  useEffect(() => {
    if (place.current === null) return;
    const pty = mode === "pty";
    const screen = openScreen(place.current, {
      newlinesOnly: !pty,
      readOnly: true,
      label: "Output of the process",
      onLink: (target) => setQuestion({ kind: "link", target }),
      // A PTY has the width its program was told; text from a pipe takes the width there is.
      ...(pty ? {} : { onFit: (rows: number, cols: number) => screen.setSize(rows, cols) }),
    });
    const { terminal } = screen;
    screen.show(true);
    const sized = (rows: number, cols: number) => {
      if (pty && rows > 0 && cols > 0) terminal.resize(cols, rows);
    };
    const stream = new TerminalStream({
      open: (from) => openTerminal(id, from),
      listener: {
        onBytes: (bytes) => terminal.write(bytes),
        // In the order of the stream: what is still undrawn belongs to the screen before.
        onReset: (rows, cols) =>
          terminal.write("", () => {
            terminal.reset();
            sized(rows, cols);
          }),
        onResize: (rows, cols) => terminal.write("", () => sized(rows, cols)),
        onExit: () => hub.refreshProcesses(),
      },
    });
    return () => {
      stream.close();
      screen[Symbol.dispose]();
    };
  }, [id, mode, hub]);

  return (
    <div className="border-t border-line">
      <section
        ref={place}
        data-testid="process-output"
        data-process-id={id}
        aria-label={`Output of ${process.command}`}
        // A screen of a fixed size scrolls in its frame; flowing text has its own scroll bar.
        className={`bg-sunken ${mode === "pty" ? "max-h-96 overflow-auto" : "h-64 overflow-hidden"}`}
      />
      {process.status === "running" && <InputLine id={id} hub={hub} />}
      {question !== null && <TerminalQuestion question={question} onDone={() => setQuestion(null)} />}
    </div>
  );
}

function InputLine({ id, hub }: { id: string; hub: Hub }) {
  const [text, setText] = useState("");
  const [problem, setProblem] = useState<string | null>(null);
  const send = () => {
    setProblem(null);
    hub.client.call("process.submit", { process_id: id, data: text }).then(
      () => setText(""),
      (error: unknown) => setProblem(error instanceof Error ? error.message : String(error)),
    );
  };
  return (
    <form
      className="flex items-center gap-1 border-t border-line p-1.5"
      onSubmit={(event) => {
        event.preventDefault();
        send();
      }}
    >
      <input
        className="field pointer-fine:min-h-8! border-transparent! bg-transparent! font-mono text-xs"
        data-testid="process-input"
        aria-label="A line for its standard input"
        placeholder="Say a line to it…"
        value={text}
        spellCheck={false}
        autoComplete="off"
        onChange={(event) => setText(event.target.value)}
      />
      <button type="submit" className="icon-btn" aria-label="Send the line">
        <Send size={15} />
      </button>
      {problem !== null && (
        <p className="px-2 text-xs text-bad" role="alert">
          {problem}
        </p>
      )}
    </form>
  );
}
