// The agent has a question: its choices as buttons, and room for an answer in one's own words.
import { memo, useState } from "react";
import type { Answers } from "../answers.ts";
import { Question } from "./icons.tsx";

export interface ClarifyProps {
  request: { request_id: string; question: string; choices: readonly string[] };
  /** Undefined while it waits; null: it was cancelled. */
  answer: string | null | undefined;
  answers: Answers;
}

export const ClarifyCard = memo(function ClarifyCard({ request, answer, answers }: ClarifyProps) {
  const [text, setText] = useState("");
  const [sent, setSent] = useState(false);
  const [problem, setProblem] = useState<string | null>(null);
  const send = (words: string) => {
    setSent(true);
    setProblem(null);
    answers.clarify(request.request_id, words).catch((error: unknown) => {
      setSent(false);
      setProblem(error instanceof Error ? error.message : String(error));
    });
  };
  if (answer !== undefined) {
    return (
      <div data-testid="clarify-card" data-settled="true" className="py-1 text-sm text-soft">
        <p className="flex items-baseline gap-2">
          <Question size={16} className="flex-none translate-y-0.5 text-faint" />
          <span>
            {request.question} <span className="text-ink">— {answer ?? "not answered"}</span>
          </span>
        </p>
      </div>
    );
  }
  return (
    <section data-testid="clarify-card" aria-label="Question" className="card rise my-2 border-glow/50 p-4">
      <p className="flex items-baseline gap-2 font-medium">
        <Question size={18} className="flex-none translate-y-0.5 text-ember" />
        {request.question}
      </p>
      {request.choices.length > 0 && (
        <div className="mt-3 flex flex-wrap gap-2">
          {request.choices.map((choice) => (
            <button
              key={choice}
              type="button"
              className="btn whitespace-normal!"
              disabled={sent}
              onClick={() => send(choice)}
            >
              {choice}
            </button>
          ))}
        </div>
      )}
      <form
        className="mt-3 flex gap-2"
        onSubmit={(event) => {
          event.preventDefault();
          if (text.trim() !== "") send(text);
        }}
      >
        <input
          className="field"
          data-testid="clarify-answer"
          aria-label="Your answer"
          placeholder="Your answer"
          value={text}
          disabled={sent}
          onChange={(event) => setText(event.target.value)}
        />
        <button
          type="submit"
          className="btn btn-ember"
          data-testid="clarify-send"
          disabled={sent || text.trim() === ""}
        >
          Answer
        </button>
      </form>
      {problem !== null && (
        <p className="mt-2 text-sm text-bad" role="alert">
          {problem}
        </p>
      )}
    </section>
  );
});
