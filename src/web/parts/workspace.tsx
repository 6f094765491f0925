// Where the agent works: the session's directory, and a field to name another one.
import { useState } from "react";
import { shortPath } from "../words.ts";
import { Folder } from "./icons.tsx";
import { Popover } from "./popover.tsx";

export interface WorkspaceProps {
  workspace: string | null;
  /** Others that were used before. */
  folders: readonly string[];
  /** Resolves when it is accepted; rejects with a sentence for the person. */
  onChange: (path: string) => Promise<unknown>;
}

export function Workspace({ workspace, folders, onChange }: WorkspaceProps) {
  const [open, setOpen] = useState(false);
  const [text, setText] = useState("");
  const [problem, setProblem] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  const save = async (named: string) => {
    const path = named.trim();
    if (path === "") return;
    setBusy(true);
    setProblem(null);
    try {
      await onChange(path);
      setOpen(false);
    } catch (error) {
      setProblem(error instanceof Error ? error.message : String(error));
    } finally {
      setBusy(false);
    }
  };
  return (
    <Popover
      label="Workspace"
      open={open}
      onClose={() => setOpen(false)}
      button={
        <button
          type="button"
          data-testid="workspace"
          className="btn btn-quiet max-w-full px-2! font-normal!"
          aria-haspopup="dialog"
          aria-expanded={open}
          title={workspace === null ? "Choose a workspace" : `Workspace: ${workspace}`}
          onClick={() => {
            setText(workspace ?? "");
            setProblem(null);
            setOpen(!open);
          }}
        >
          <Folder size={16} className="flex-none" />
          <span className="truncate font-mono text-xs">{workspace === null ? "workspace" : shortPath(workspace)}</span>
        </button>
      }
    >
      <form
        className="space-y-3 p-4"
        onSubmit={(event) => {
          event.preventDefault();
          void save(text);
        }}
      >
        <label className="block text-sm font-medium">
          Workspace
          <input
            // biome-ignore lint/a11y/noAutofocus: the person has just asked for this field
            autoFocus
            data-testid="workspace-input"
            className="field mt-1.5 font-mono text-[0.8125rem]"
            value={text}
            placeholder="/path/to/a/repository or ~/code/project"
            spellCheck={false}
            autoCapitalize="off"
            autoComplete="off"
            // Another place is named more often than a part of this one is changed.
            onFocus={(event) => event.target.select()}
            onChange={(event) => setText(event.target.value)}
          />
        </label>
        <p
          className={`text-xs ${problem === null ? "text-faint" : "text-bad"}`}
          role={problem === null ? undefined : "alert"}
        >
          {problem ?? "A directory on the host. Commands start there, and files are named from there."}
        </p>
        {folders.length > 0 && (
          <ul aria-label="Used before" className="-mx-1.5 border-t border-line pt-2">
            {folders.map((folder) => (
              <li key={folder}>
                <button
                  type="button"
                  data-testid="recent-folder"
                  disabled={busy}
                  title={folder}
                  className="flex min-h-9 w-full items-center gap-2 rounded-lg px-1.5 text-left hover:bg-wash"
                  onClick={() => void save(folder)}
                >
                  <Folder size={14} className="flex-none text-faint" />
                  <span className="truncate font-mono text-xs">{shortPath(folder, 44)}</span>
                </button>
              </li>
            ))}
          </ul>
        )}
        <div className="flex justify-end gap-2">
          <button type="button" className="btn btn-quiet" onClick={() => setOpen(false)}>
            Cancel
          </button>
          <button
            type="submit"
            className="btn btn-ember"
            data-testid="workspace-save"
            disabled={busy || text.trim() === ""}
          >
            Work here
          </button>
        </div>
      </form>
    </Popover>
  );
}
