// What a browser sees that the host does not know: one command to run, or a link to paste.
import { useState } from "react";
import { pastedTicket } from "../route.ts";
import { Mark } from "./icons.tsx";
import { CopyButton } from "./markdown.tsx";

export function Login({ problem, onTicket }: { problem: string | null; onTicket: (ticket: string) => void }) {
  const [text, setText] = useState("");
  const ticket = pastedTicket(text);
  return (
    <main className="grid h-full place-items-center overflow-y-auto p-6">
      <div className="w-full max-w-md">
        <Mark size={52} />
        <h1 className="mt-5 font-serif text-3xl leading-tight font-semibold">This fire is yours, once it knows you.</h1>
        <p className="mt-3 text-soft">
          Hearth runs commands on this machine, so it opens only to its owner. On that machine, run
        </p>
        <div className="mt-3 flex items-center justify-between rounded-xl border border-line bg-raised py-1 pr-1 pl-4">
          <code className="font-mono text-sm">hearth open</code>
          <CopyButton text={() => "hearth open"} label="Copy the command" />
        </div>
        <p className="mt-3 text-soft">and this page opens logged in. Or paste the link it prints:</p>
        <form
          className="mt-3 flex gap-2"
          onSubmit={(event) => {
            event.preventDefault();
            if (ticket !== null) onTicket(ticket);
          }}
        >
          <input
            className="field font-mono text-[0.8125rem]"
            data-testid="ticket"
            aria-label="Login link or ticket"
            placeholder="http://…/#ticket=…"
            autoComplete="off"
            spellCheck={false}
            value={text}
            onChange={(event) => setText(event.target.value)}
          />
          <button type="submit" className="btn btn-ember" disabled={ticket === null}>
            Log in
          </button>
        </form>
        {problem !== null && (
          <p className="mt-3 text-sm text-bad" role="alert">
            {problem}
          </p>
        )}
      </div>
    </main>
  );
}
