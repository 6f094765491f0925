// The first look: what this is, in two lines, and something to press.
import { shortPath } from "../words.ts";
import { Mark } from "./icons.tsx";

export interface WelcomeProps {
  offline: boolean;
  /** Where it works, if that is known by now. */
  workspace: string | null;
  onTry: (text: string) => void;
}

const offlineExamples = [
  { text: "run ls -la", why: "a command, and what it prints" },
  {
    text: 'start sleep 5; echo all 12 passed until "passed"\nsay I will tell you when it is done.',
    why: "in the background, watched; you are told when it ends",
  },
  { text: "try approval", why: "it asks before it acts, as a real model does; you allow or deny" },
  { text: "ask Which name shall the project get?", why: "a question back to you" },
] as const;
const modelExamples = [
  { text: "What is in this workspace? Look around and tell me in five lines.", why: "reads, changes nothing" },
  { text: "Run the tests in the background and tell me when they fail or pass.", why: "asks before it runs them" },
  { text: "Find what is marked TODO here and suggest where to begin.", why: "searches, changes nothing" },
] as const;

export function Welcome({ offline, workspace, onTry }: WelcomeProps) {
  return (
    <div className="my-auto py-4" data-testid="welcome">
      <Mark size={52} lit />
      <h1 className="mt-4 max-w-md font-serif text-[1.9rem] leading-[1.2] font-semibold text-balance">
        Give it work. It keeps going when you look away.
      </h1>
      <p className="mt-3 max-w-lg text-soft">
        Hearth runs an agent's commands on this machine and loses nothing when anything restarts.
        {offline
          ? " No model is connected yet: the offline one does exactly what you type, one instruction per line."
          : " Say what you need; it asks before it acts."}
      </p>
      <p className="mt-2 max-w-lg text-sm text-faint">
        {workspace === null ? (
          "It works in the folder you chose last, or in your home directory: choose one above."
        ) : (
          <>
            It works in <code className="font-mono text-xs text-soft">{shortPath(workspace, 60)}</code>: another folder
            is chosen above.
          </>
        )}
      </p>
      <ul className="mt-5 max-w-xl divide-y divide-line border-y border-line" aria-label="Examples">
        {(offline ? offlineExamples : modelExamples).map((example) => (
          <li key={example.text}>
            <button
              type="button"
              data-testid="example"
              className="group flex min-h-14 w-full flex-col justify-center gap-0.5 px-1 py-2.5 text-left"
              onClick={() => onTry(example.text)}
            >
              <span
                className={`text-ink group-hover:text-ember ${offline ? "line-clamp-3 font-mono text-[0.8125rem] break-words whitespace-pre-line" : ""}`}
              >
                {example.text}
              </span>
              <span className="text-xs text-faint">{example.why}</span>
            </button>
          </li>
        ))}
      </ul>
    </div>
  );
}
