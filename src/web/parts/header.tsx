// Which conversation, where it works, what answers.
import type { Models } from "../hub.ts";
import { Menu, Side } from "./icons.tsx";
import { ModelChooser } from "./model-chooser.tsx";
import { Workspace } from "./workspace.tsx";

export interface HeaderProps {
  title: string;
  running: number;
  workspace: string | null;
  /** Where other conversations work. */
  folders: readonly string[];
  onWorkspace: (path: string) => Promise<unknown>;
  models: Models | null;
  model: string | null;
  onModel: (model: string) => Promise<unknown>;
  onModelOpen: () => void;
  /** Something in another conversation waits for the person. */
  waiting: boolean;
  /** Null where the conversations are always in view. */
  onList: (() => void) | null;
  sideOpen: boolean;
  onSide: () => void;
}

export function Header(props: HeaderProps) {
  const { title, running, onList, sideOpen, onSide } = props;
  return (
    <header className="grid flex-none grid-cols-[auto_minmax(0,1fr)_auto] items-center gap-x-1 border-b border-line px-2 sm:h-14 sm:grid-cols-[auto_minmax(4rem,1fr)_auto_auto] sm:px-3">
      {onList === null ? (
        <span className="w-1" />
      ) : (
        <button
          type="button"
          data-testid="open-sessions"
          className="icon-btn relative"
          aria-label={props.waiting ? "Conversations: one waits for you" : "Conversations"}
          onClick={onList}
        >
          <Menu />
          {props.waiting && <span className="absolute top-2 right-1.5 size-2 rounded-full bg-glow" />}
        </button>
      )}
      <h1 className="truncate py-2.5 font-serif text-[1.05rem] font-semibold" title={title}>
        {title || "New conversation"}
      </h1>
      <div className="order-last col-span-3 -mx-2 flex min-w-0 items-center justify-between gap-1 border-t border-line px-2 sm:order-none sm:col-span-1 sm:mx-0 sm:border-0 sm:px-0">
        <Workspace workspace={props.workspace} folders={props.folders} onChange={props.onWorkspace} />
        <ModelChooser models={props.models} chosen={props.model} onChoose={props.onModel} onOpen={props.onModelOpen} />
      </div>
      <button
        type="button"
        data-testid="toggle-panel"
        className={`icon-btn relative ${sideOpen ? "text-ember!" : ""}`}
        aria-label={sideOpen ? "Hide processes and terminal" : "Show processes and terminal"}
        aria-expanded={sideOpen}
        onClick={onSide}
      >
        <Side />
        {running > 0 && !sideOpen && (
          <span className="absolute top-1 right-0.5 grid h-4 min-w-4 place-items-center rounded-full bg-glow px-1 text-[0.625rem] font-semibold text-[#21120a] tabular-nums">
            {running}
          </span>
        )}
      </button>
    </header>
  );
}
