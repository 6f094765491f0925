// What a program draws on its terminal, to be watched and searched.
import { useEffect, useRef, useState } from "react";
import type { Hub } from "../hub.ts";
import { followOutput } from "../output/source.ts";
import { openScreen, type Screen } from "../screen.ts";
import { Search } from "./icons.tsx";
import { type Question, TerminalQuestion } from "./terminal-question.tsx";
import { TerminalSearch } from "./terminal-search.tsx";

export default function ProcessScreen({ id, command, hub }: { id: string; command: string; hub: Hub }) {
  const place = useRef<HTMLElement>(null);
  const [shown, setShown] = useState<Screen | null>(null);
  const [finding, setFinding] = useState(false);
  const [question, setQuestion] = useState<Question | null>(null);
  useEffect(() => {
    if (place.current === null) return;
    const screen = openScreen(place.current, {
      readOnly: true,
      label: "Screen of the process",
      onLink: (target) => setQuestion({ kind: "link", target }),
      // It has the size that its program was told, drawn so that it fits.
      onFit: () => undefined,
    });
    const { terminal } = screen;
    const sized = (rows: number, cols: number) => {
      if (rows > 0 && cols > 0) screen.setSize(rows, cols);
    };
    setShown(screen);
    screen.show(true);
    const stream = followOutput(id, {
      onBytes: (bytes) => terminal.write(bytes),
      // In the order of the stream: what is still undrawn belongs to the screen before.
      onReset: (rows, cols) =>
        terminal.write("", () => {
          terminal.reset();
          sized(rows, cols);
        }),
      onResize: (rows, cols) => terminal.write("", () => sized(rows, cols)),
      onExit: () => hub.refreshProcesses(),
    });
    return () => {
      stream.close();
      setShown(null);
      screen[Symbol.dispose]();
    };
  }, [id, hub]);

  return (
    <div className="relative flex min-h-48 flex-1 flex-col bg-sunken">
      <section
        ref={place}
        data-testid="process-output"
        data-process-id={id}
        aria-label={`Screen of ${command}`}
        className="min-h-0 flex-1 overflow-auto"
      />
      {finding && shown !== null ? (
        <TerminalSearch search={shown.search} onClose={() => setFinding(false)} />
      ) : (
        <button
          type="button"
          data-testid="find-in-output"
          data-find=""
          className="icon-btn absolute top-1 right-4 bg-raised/80"
          aria-label="Find in its output"
          title="Find ( / )"
          onClick={() => setFinding(true)}
        >
          <Search size={15} />
        </button>
      )}
      {question !== null && <TerminalQuestion question={question} onDone={() => setQuestion(null)} />}
    </div>
  );
}
