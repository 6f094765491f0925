// Which model answers, and, where there is only the offline one, how to connect a real one.
import { useState } from "react";
import type { Models } from "../hub.ts";
import { Check, Down } from "./icons.tsx";
import { Markdown } from "./markdown.tsx";
import { Popover } from "./popover.tsx";

export interface ModelChooserProps {
  models: Models | null;
  /** The session's own choice; null: the host's default. */
  chosen: string | null;
  onChoose: (model: string) => Promise<unknown>;
  /** The list is about to be shown: local model servers may have come or gone. */
  onOpen: () => void;
}

export function ModelChooser({ models, chosen, onChoose, onOpen }: ModelChooserProps) {
  const [open, setOpen] = useState(false);
  const [other, setOther] = useState("");
  const [problem, setProblem] = useState<string | null>(null);
  const current = chosen ?? models?.current ?? "offline";
  const others = models?.models.filter((row) => row.model !== "offline") ?? [];
  const choose = (model: string) => {
    setProblem(null);
    onChoose(model).then(
      () => setOpen(false),
      (error: unknown) => setProblem(error instanceof Error ? error.message : String(error)),
    );
  };
  return (
    <Popover
      label="Model"
      align="right"
      open={open}
      onClose={() => setOpen(false)}
      button={
        <button
          type="button"
          data-testid="model"
          data-model={current}
          className="btn btn-quiet max-w-full px-2! font-normal!"
          aria-haspopup="dialog"
          aria-expanded={open}
          title={`Model: ${current}`}
          onClick={() => {
            if (!open) onOpen();
            setProblem(null);
            setOpen(!open);
          }}
        >
          <span className="truncate text-xs">{current}</span>
          <Down size={14} className="flex-none" />
        </button>
      }
    >
      <div className="max-h-[70dvh] overflow-y-auto">
        <ul aria-label="Models" className="p-1.5">
          {models?.models.map((row) => (
            <li key={row.model}>
              <button
                type="button"
                aria-current={row.model === current || undefined}
                disabled={!row.ready}
                className="flex min-h-10 w-full items-center gap-3 rounded-lg px-2.5 py-1.5 text-left text-sm enabled:hover:bg-wash disabled:text-soft"
                onClick={() => choose(row.model)}
              >
                <span className="min-w-0 flex-1">
                  <span className="block truncate">{row.model}</span>
                  {row.note !== undefined && <span className="block text-xs text-faint">{row.note}</span>}
                </span>
                {row.model === current && <Check size={16} className="flex-none text-ember" />}
              </button>
            </li>
          ))}
        </ul>
        <form
          className="flex gap-2 border-t border-line p-3"
          onSubmit={(event) => {
            event.preventDefault();
            if (other.trim() !== "") choose(other.trim());
          }}
        >
          <input
            className="field font-mono text-xs"
            data-testid="model-input"
            aria-label="Another model"
            placeholder="PROVIDER/NAME"
            spellCheck={false}
            autoCapitalize="off"
            autoComplete="off"
            value={other}
            onChange={(event) => setOther(event.target.value)}
          />
          <button type="submit" className="btn" disabled={other.trim() === ""}>
            Use
          </button>
        </form>
        {problem !== null && (
          <p className="px-4 pb-3 text-sm text-bad" role="alert">
            {problem}
          </p>
        )}
        {models !== null && !others.some((row) => row.ready) && (
          <div data-testid="model-help" className="border-t border-line bg-sunken px-4 py-3 text-sm">
            <Markdown text={models.help} />
          </div>
        )}
      </div>
    </Popover>
  );
}
