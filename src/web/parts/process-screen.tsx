// What a program draws on its terminal: watched, searched, and typed into.
import { useEffect, useRef, useState } from "react";
import type { TerminalStream } from "../../client/terminal.ts";
import type { Hub } from "../hub.ts";
import { followOutput } from "../output/source.ts";
import { openScreen, type Screen } from "../screen.ts";
import { beginAnew } from "../terminal/anew.ts";
import { listenToData } from "../terminal/answers.ts";
import { Clamp } from "../terminal/clamp.ts";
import { commandOf, keysOf } from "../terminal/commands.ts";
import { judgePaste } from "../terminal/paste.ts";
import { Search } from "./icons.tsx";
import { type Question, TerminalQuestion } from "./terminal-question.tsx";
import { TerminalSearch } from "./terminal-search.tsx";

export interface ProcessScreenProps {
  id: string;
  command: string;
  running: boolean;
  hub: Hub;
  /** The keyboard leaves the screen. */
  onLeave: () => void;
}

export default function ProcessScreen({ id, command, running, hub, onLeave }: ProcessScreenProps) {
  const place = useRef<HTMLElement>(null);
  const leave = useRef(onLeave);
  leave.current = onLeave;
  const [shown, setShown] = useState<Screen | null>(null);
  const [finding, setFinding] = useState(false);
  const [question, setQuestion] = useState<Question | null>(null);
  useEffect(() => {
    if (place.current === null) return;
    const screen = openScreen(place.current, {
      label: `Screen of the process. ${keysOf.leave} leaves it.`,
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
    let clamp = new Clamp();
    const stream = followOutput(id, {
      onBytes: (bytes) => terminal.write(clamp.filter(bytes)),
      onReset: (rows, cols) => {
        clamp = new Clamp();
        beginAnew(terminal, () => sized(rows, cols));
      },
      onResize: (rows, cols) => terminal.write("", () => sized(rows, cols)),
      onExit: () => hub.refreshProcesses(),
    });
    const typed = typeInto(place.current, screen, stream, {
      ask: setQuestion,
      find: () => setFinding(true),
      leave: () => leave.current(),
    });
    return () => {
      typed[Symbol.dispose]();
      stream.close();
      setShown(null);
      screen[Symbol.dispose]();
    };
  }, [id, hub]);
  useEffect(() => {
    if (shown !== null) shown.terminal.options.disableStdin = !running;
  }, [shown, running]);

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

interface Wishes {
  ask: (question: Question) => void;
  find: () => void;
  leave: () => void;
}

const encoder = new TextEncoder();

/** Keys and pastes go to the program; what the emulator says by itself does not: another viewer answers, or nobody. */
function typeInto(place: HTMLElement, { terminal }: Screen, stream: TerminalStream, wishes: Wishes): Disposable {
  terminal.attachCustomKeyEventHandler((event) => {
    const command = event.type === "keydown" ? commandOf(event) : null;
    if (command !== "leave" && command !== "find") return true;
    event.preventDefault();
    wishes[command]();
    return false;
  });
  const data = listenToData(terminal, (text, answer) => {
    if (!answer) stream.send(encoder.encode(text));
  });
  const paste = (event: ClipboardEvent) => {
    event.preventDefault();
    event.stopPropagation();
    const judged = judgePaste(event.clipboardData?.getData("text/plain") ?? "", terminal.modes.bracketedPasteMode);
    const act = () => terminal.paste(judged.text);
    if (judged.ask) wishes.ask({ kind: "paste", paste: judged, act });
    else if (judged.text !== "") act();
  };
  place.addEventListener("paste", paste, { capture: true });
  return {
    [Symbol.dispose]() {
      data.dispose();
      place.removeEventListener("paste", paste, { capture: true });
    },
  };
}
