// Beside the conversation: what runs, and a terminal.
import { type KeyboardEvent, lazy, Suspense, useEffect, useId, useRef, useState } from "react";
import type { FoldedTerminal } from "../../client/fold.ts";
import type { Hub } from "../hub.ts";
import { useField } from "../store.ts";
import { Close, Narrow, Terminal, Widen } from "./icons.tsx";
import { ProcessList } from "./process-list.tsx";

// The emulator is the heaviest part of the page; it is fetched when it is first wanted.
const TerminalView = lazy(() => import("./terminal-view.tsx"));

export type PanelTab = "processes" | "terminal";

export interface PanelProps {
  hub: Hub;
  session: string | null;
  terminals: ReadonlyMap<string, FoldedTerminal>;
  /** It has the whole page, not only its column. */
  wide: boolean;
  onWide: (wide: boolean) => void;
  /** Whether anybody can see it. */
  visible: boolean;
  tab: PanelTab;
  onTab: (tab: PanelTab) => void;
  openProcess: string | null;
  onOpenProcess: (id: string | null) => void;
  /** A terminal needs a session: makes one where there is none. */
  onNeedSession: () => void;
  onClose: () => void;
}

const tabs: ReadonlyArray<{ tab: PanelTab; label: string }> = [
  { tab: "processes", label: "Processes" },
  { tab: "terminal", label: "Terminal" },
];

export function Panel(props: PanelProps) {
  const { hub, session, wide, onWide, tab, onTab, openProcess, onOpenProcess, onNeedSession, onClose } = props;
  const id = useId();
  const running = useField(hub.state, "processes").filter(
    (process) => process.status === "running" && process.session_id === session,
  ).length;
  const buttons = useRef<HTMLDivElement>(null);
  // Once opened, a terminal stays as it is while one looks at the processes.
  const [wanted, setWanted] = useState(tab === "terminal");
  useEffect(() => {
    if (tab === "terminal") setWanted(true);
  }, [tab]);

  // A page that is nothing but terminals, reloaded say, is there to type in.
  const grab = useRef(wide);
  const [asked, setAsked] = useState(0);

  const move = (event: KeyboardEvent) => {
    if (event.key !== "ArrowLeft" && event.key !== "ArrowRight") return;
    const other = tab === "processes" ? "terminal" : "processes";
    onTab(other);
    buttons.current?.querySelector<HTMLButtonElement>(`[data-tab="${other}"]`)?.focus();
  };

  return (
    <div className="flex h-full min-h-0 flex-col">
      <div className="flex h-14 flex-none items-center gap-1 border-b border-line px-3">
        <div ref={buttons} role="tablist" aria-label="Panel" className="flex flex-1 gap-1">
          {tabs.map((one) => (
            <button
              key={one.tab}
              type="button"
              role="tab"
              id={`${id}-${one.tab}`}
              data-tab={one.tab}
              data-testid={`tab-${one.tab}`}
              aria-selected={tab === one.tab}
              aria-controls={`${id}-${one.tab}-panel`}
              tabIndex={tab === one.tab ? 0 : -1}
              className={`btn border-transparent! ${tab === one.tab ? "bg-wash! text-ember!" : "btn-quiet"}`}
              onClick={() => {
                onTab(one.tab);
                // Whoever asks for a terminal wants to type.
                grab.current = one.tab === "terminal";
                setAsked(asked + 1);
                if (grab.current && session === null) onNeedSession();
              }}
              onKeyDown={move}
            >
              {one.label}
              {one.tab === "processes" && running > 0 && (
                <span className="rounded-full bg-glow/20 px-1.5 text-2xs tabular-nums">{running}</span>
              )}
            </button>
          ))}
        </div>
        {session !== null && tab === "terminal" && (
          <button
            type="button"
            className="icon-btn"
            data-testid="widen"
            aria-label={wide ? "Beside the conversation" : "The whole page for the terminals"}
            title={wide ? "Beside the conversation" : "The whole page for the terminals"}
            aria-pressed={wide}
            onClick={() => onWide(!wide)}
          >
            {wide ? <Narrow size={17} /> : <Widen size={17} />}
          </button>
        )}
        <button type="button" className="icon-btn" aria-label="Close the panel" onClick={onClose}>
          <Close size={17} />
        </button>
      </div>
      <div
        role="tabpanel"
        id={`${id}-processes-panel`}
        aria-labelledby={`${id}-processes`}
        hidden={tab !== "processes"}
        className="min-h-0 flex-1"
      >
        {/* Out of view it holds no connection. */}
        {tab === "processes" && props.visible && (
          <ProcessList hub={hub} session={session} open={openProcess} onOpen={onOpenProcess} />
        )}
      </div>
      <div
        role="tabpanel"
        id={`${id}-terminal-panel`}
        aria-labelledby={`${id}-terminal`}
        hidden={tab !== "terminal"}
        className="min-h-0 flex-1"
      >
        {wanted && session !== null && (
          <Suspense fallback={<p className="p-6 text-sm text-faint">Opening…</p>}>
            <TerminalView
              key={session}
              hub={hub}
              session={session}
              terminals={props.terminals}
              visible={props.visible && tab === "terminal"}
              grab={grab}
              asked={asked}
              wide={wide}
              onWide={() => onWide(!wide)}
            />
          </Suspense>
        )}
        {session === null && (
          <div className="grid h-full place-items-center p-6 text-center text-sm text-faint">
            <div>
              <p>A terminal belongs to a conversation, and one is begun for it.</p>
              <button type="button" className="btn mt-3" onClick={onNeedSession}>
                <Terminal size={16} /> Try again
              </button>
            </div>
          </div>
        )}
      </div>
    </div>
  );
}
