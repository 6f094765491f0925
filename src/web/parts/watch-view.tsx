// What a link to watch opens: one screen, nothing to press, and whether it is still live.
import { useEffect, useRef, useState } from "react";
import { openWatched, type Watched as Shown, watched } from "../../client/browser.ts";
import { TerminalStream } from "../../client/terminal.ts";
import { oneLine } from "../process/arrange.ts";
import { openScreen } from "../screen.ts";
import { beginAnew } from "../terminal/anew.ts";
import { Clamp } from "../terminal/clamp.ts";
import { type Question, TerminalQuestion } from "./terminal-question.tsx";

type State = "looking" | "live" | "away" | "full" | "over" | "gone";
const says: Readonly<Record<State, string>> = {
  looking: "Looking for it …",
  live: "Live",
  away: "The host does not answer; it is tried again.",
  full: "Too many are watching; it is tried again.",
  over: "This link has ended. Ask for a new one.",
  gone: "What it showed has ended, or is no longer there.",
};
const AGAIN_MS = 3_000;

export function WatchView({ secret }: { secret: string }) {
  const [shown, setShown] = useState<Shown | null>(null);
  const [state, setState] = useState<State>("looking");
  const name = shown === null ? "" : oneLine(shown.name ?? shown.id);
  useEffect(() => {
    document.title = name === "" ? "Watching · Hearth" : `${name} · Hearth`;
  }, [name]);
  useEffect(() => {
    let again: ReturnType<typeof setTimeout> | undefined;
    let left = false;
    const look = async () => {
      const answer = await watched(secret).catch(() => ({ status: 0 }));
      if (left) return;
      if (!("status" in answer)) setShown(answer);
      else if (answer.status === 401) setState("over");
      else if (answer.status === 404) setState("gone");
      else {
        setState(answer.status === 429 ? "full" : "away");
        again = setTimeout(() => void look(), AGAIN_MS);
      }
    };
    void look();
    return () => {
      left = true;
      clearTimeout(again);
    };
  }, [secret]);

  return (
    <div className="flex h-dvh flex-col">
      <header className="flex flex-wrap items-baseline gap-x-3 gap-y-1 border-b border-line px-4 py-2 text-sm">
        <h1 className="font-serif text-base font-semibold">Watching</h1>
        {shown !== null && (
          <span data-testid="watch-name" className="max-w-full truncate font-mono text-xs text-ink" title={shown.id}>
            {name}
          </span>
        )}
        <span role="status" data-testid="watch-state" data-state={state} className="text-soft">
          {says[state]}
        </span>
        {shown !== null && state !== "over" && (
          <span className="ml-auto text-xs text-soft">
            View only, until{" "}
            {new Date(shown.expires_at).toLocaleString([], { dateStyle: "medium", timeStyle: "short" })}
          </span>
        )}
      </header>
      {shown !== null && <Watched secret={secret} shown={shown} onState={setState} />}
    </div>
  );
}

function Watched({ secret, shown, onState }: { secret: string; shown: Shown; onState: (state: State) => void }) {
  const place = useRef<HTMLElement>(null);
  const [question, setQuestion] = useState<Question | null>(null);
  const { id, mode } = shown;
  useEffect(() => {
    if (place.current === null) return;
    const pty = mode === "pty";
    const screen = openScreen(place.current, {
      newlinesOnly: !pty,
      readOnly: true,
      label: "What is watched",
      onLink: (target) => setQuestion({ kind: "link", target }),
      // A screen has the size its program was told, and is shown as large as it fits; text takes the width there is.
      onFit: (rows, cols) => {
        if (!pty) screen.setSize(rows, cols);
      },
    });
    screen.show(true);
    const sized = (rows: number, cols: number) => {
      if (pty && rows > 0 && cols > 0) screen.setSize(rows, cols);
    };
    let refused = false;
    let clamp = new Clamp();
    const stream = new TerminalStream({
      open: (from) => openWatched(secret, id, from),
      listener: {
        onBytes: (bytes) => screen.terminal.write(clamp.filter(bytes)),
        onReset: (rows, cols) => {
          clamp = new Clamp();
          beginAnew(screen.terminal, () => sized(rows, cols));
        },
        // In the order of the stream: what is still undrawn has the size before.
        onResize: (rows, cols) => screen.terminal.write("", () => sized(rows, cols)),
        onExit: () => onState("gone"),
        onError: () => {
          refused = true;
        },
        onConnection: (connected, over) => {
          if (connected) onState("live");
          else if (!over) {
            onState("away");
            // A link that has run out meanwhile is refused before there is a socket that could say so.
            void watched(secret).then(
              (answer) => {
                if ("status" in answer && answer.status === 429) onState("full");
                if (!("status" in answer) || (answer.status !== 401 && answer.status !== 404)) return;
                stream.close();
                onState(answer.status === 401 ? "over" : "gone");
              },
              () => undefined,
            );
          } else if (refused) onState("gone");
          else
            void watched(secret).then(
              (answer) => onState("status" in answer && answer.status === 401 ? "over" : "gone"),
              () => onState("gone"),
            );
        },
      },
    });
    return () => {
      stream.close();
      screen[Symbol.dispose]();
    };
  }, [secret, id, mode, onState]);

  return (
    <>
      <section
        ref={place}
        data-testid="watched"
        aria-label="What is watched"
        className="min-h-0 flex-1 bg-sunken p-2"
      />
      {question !== null && <TerminalQuestion question={question} onDone={() => setQuestion(null)} />}
    </>
  );
}
