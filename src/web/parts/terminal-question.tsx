// What a terminal asks its person: before several lines are pasted, a link is opened, a shell is ended.
import { useState } from "react";
import { judgeLink } from "../terminal/links.ts";
import type { Paste } from "../terminal/paste.ts";
import { Dialog } from "./dialog.tsx";
import { ExactText, exactNote } from "./exact-text.tsx";

export type Question =
  | { kind: "paste"; paste: Paste; act: () => void }
  | { kind: "link"; target: string }
  | { kind: "clipboard"; text: string; act: () => void }
  | { kind: "close"; name: string; running: readonly { pid: number; command: string }[] | null; act: () => void }
  | { kind: "overwrite"; name: string; act: () => void }
  | { kind: "rename"; name: string; label: string; act: (label: string) => void };

/** Of a text that is asked about, this much is drawn; how long it really is stands beside it. */
const SHOWN = 20_000;
const MOST_NAMED = 8;

export function TerminalQuestion({ question, onDone }: { question: Question; onDone: () => void }) {
  switch (question.kind) {
    case "paste":
      return <PasteQuestion question={question} onDone={onDone} />;
    case "link":
      return <LinkQuestion target={question.target} onDone={onDone} />;
    case "clipboard":
      return (
        <Dialog
          title="A program offers a text for your clipboard"
          action="Copy it"
          careful
          onAct={done(question.act, onDone)}
          onClose={onDone}
        >
          <p className="mb-2 text-soft">It was not copied. Whoever can print in a terminal can offer one.</p>
          <Exact text={question.text} />
        </Dialog>
      );
    case "close":
      return (
        <Dialog
          title={`End “${question.name}”?`}
          action="End it"
          careful
          onAct={done(question.act, onDone)}
          onClose={onDone}
        >
          <p className="text-soft">Its shell and everything that runs in it end, for everybody who watches it.</p>
          {question.running !== null && (
            <ul data-testid="running-inside" className="mt-3 max-h-48 space-y-1 overflow-auto font-mono text-xs">
              {question.running.map(({ pid, command }) => (
                <li key={pid} className="flex gap-3">
                  <span className="flex-none text-faint">{pid}</span>
                  <span className="min-w-0 truncate">
                    <ExactText text={command} />
                  </span>
                </li>
              ))}
            </ul>
          )}
        </Dialog>
      );
    case "overwrite":
      return (
        <Dialog
          title="Replace the file?"
          action="Replace it"
          careful
          onAct={done(question.act, onDone)}
          onClose={onDone}
        >
          <p className="mb-2 text-soft">There is a file of this name in that place already.</p>
          <Exact text={question.name} />
        </Dialog>
      );
    case "rename":
      return <RenameQuestion question={question} onDone={onDone} />;
    default:
      return question satisfies never;
  }
}

/** Behind an open dialog nothing can have the keyboard, so what is done is done once it has gone. */
const done = (act: () => void, onDone: () => void) => () => {
  onDone();
  setTimeout(act);
};

function Exact({ text }: { text: string }) {
  return (
    <>
      <pre
        data-testid="exact"
        // A long text has to be scrolled by keyboard too.
        // biome-ignore lint/a11y/noNoninteractiveTabindex: see above
        tabIndex={0}
        className="max-h-64 overflow-auto rounded-lg border border-line bg-sunken p-3 font-mono text-xs whitespace-pre-wrap [overflow-wrap:anywhere]"
      >
        <ExactText text={text.slice(0, SHOWN)} />
      </pre>
      <p className="mt-1.5 text-xs text-faint">
        {exactNote([text]).note}
        {text.length > SHOWN && ` · only the first ${SHOWN.toLocaleString()} are shown`}
      </p>
    </>
  );
}

function PasteQuestion({ question, onDone }: { question: Question & { kind: "paste" }; onDone: () => void }) {
  const { text, removed } = question.paste;
  return (
    <Dialog title="Paste this?" action="Paste" careful onAct={done(question.act, onDone)} onClose={onDone}>
      <p className="mb-2 text-soft">
        {text.includes("\n")
          ? "The program in this terminal takes each line break for Enter: every line runs as soon as it is pasted."
          : "This is a great deal of text."}
      </p>
      <Exact text={text} />
      {removed !== "" && (
        <p className="mt-1 pb-1 text-xs text-warn" data-testid="left-out">
          {removed.length.toLocaleString()} control {removed.length === 1 ? "character is" : "characters are"} left out:{" "}
          <ExactText text={[...new Set(removed)].slice(0, MOST_NAMED).join("")} />
          {new Set(removed).size > MOST_NAMED && " …"}
        </p>
      )}
    </Dialog>
  );
}

function LinkQuestion({ target, onDone }: { target: string; onDone: () => void }) {
  const link = judgeLink(target);
  const open = () => {
    onDone();
    if (link.ok) window.open(link.address, "_blank", "noopener,noreferrer");
  };
  return (
    <Dialog
      title={link.ok ? "Open this link?" : "This link is not opened"}
      action={link.ok ? "Open" : null}
      onAct={open}
      onClose={onDone}
    >
      <p className="mb-2 text-soft">
        {link.ok ? (
          <>
            It leads to <strong className="text-ink">{link.host}</strong>.
          </>
        ) : (
          `It is refused: ${link.why}.`
        )}
      </p>
      <Exact text={link.ok ? link.address : target} />
    </Dialog>
  );
}

function RenameQuestion({ question, onDone }: { question: Question & { kind: "rename" }; onDone: () => void }) {
  const [label, setLabel] = useState(question.label);
  return (
    <Dialog title="Name this terminal" action="Rename" onAct={done(() => question.act(label), onDone)} onClose={onDone}>
      <input
        data-first=""
        data-testid="rename-input"
        aria-label="Name"
        className="field"
        maxLength={100}
        placeholder={question.name}
        value={label}
        onFocus={(event) => event.target.select()}
        onChange={(event) => setLabel(event.target.value)}
      />
      <p className="mt-1.5 text-xs text-faint">For everybody who sees this terminal. Empty: “{question.name}”.</p>
    </Dialog>
  );
}
