// The row above the terminals: one tab each, a new one, and what can be done with the one that has the keyboard.
import { type KeyboardEvent, useRef, useState } from "react";
import { type Command, keysOf } from "../terminal/commands.ts";
import { type Layout, panes } from "../terminal/layout.ts";
import { Close, More, Plus } from "./icons.tsx";
import { Popover } from "./popover.tsx";

export type Deed = Command | "paste" | "text" | "reader" | "rename" | "share" | "close";

export interface TerminalTabsProps {
  layout: Layout;
  /** What a person calls a terminal, by its name. */
  labels: ReadonlyMap<string, string>;
  /** As the programs in them say. */
  titles: Readonly<Record<string, string>>;
  /** What is switched on. */
  pressed: ReadonlySet<Deed>;
  /** Names of terminals that rang while they were not in view. */
  rang: ReadonlySet<string>;
  /** `grabs`: the keyboard goes to it. */
  /** On a phone: one pane at a time, and no keyboard whose keys could be told. */
  slim: boolean;
  onTab: (id: string, grabs: boolean) => void;
  /** With the name of the terminal it is about; none: the one that has the keyboard. */
  onDeed: (deed: Deed, name?: string) => void;
}

const DEEDS: readonly { deed: Deed; label: string }[] = [
  { deed: "split-right", label: "Split right" },
  { deed: "split-below", label: "Split below" },
  { deed: "find", label: "Find" },
  { deed: "copy", label: "Copy what is selected" },
  { deed: "paste", label: "Paste" },
  { deed: "text", label: "Show as text to select" },
  { deed: "larger", label: "Larger text" },
  { deed: "smaller", label: "Smaller text" },
  { deed: "usual-size", label: "Usual text size" },
  { deed: "wide", label: "Whole page, or beside" },
  { deed: "reader", label: "For screen readers" },
  { deed: "rename", label: "Rename…" },
  { deed: "share", label: "Share, to be watched…" },
  { deed: "close", label: "End this terminal…" },
];

/** A pane beside another, or a page beside the conversation, needs a page that has the room. */
const OF_WIDE: ReadonlySet<Deed> = new Set<Deed>(["split-right", "split-below", "wide"]);
const TOGGLES: ReadonlySet<Deed> = new Set<Deed>(["reader"]);

export function TerminalTabs({ layout, labels, titles, pressed, rang, slim, onTab, onDeed }: TerminalTabsProps) {
  const [menu, setMenu] = useState(false);
  const list = useRef<HTMLDivElement>(null);
  const move = (event: KeyboardEvent) => {
    if (event.key !== "ArrowLeft" && event.key !== "ArrowRight") return;
    event.preventDefault();
    const at = layout.tabs.findIndex((tab) => tab.id === layout.active) + (event.key === "ArrowLeft" ? -1 : 1);
    const next = layout.tabs.at(at % layout.tabs.length);
    if (next === undefined) return;
    onTab(next.id, false);
    list.current?.querySelector<HTMLElement>(`[data-tab="${CSS.escape(next.id)}"]`)?.focus();
  };
  return (
    <div className="flex h-11 flex-none items-center gap-0.5 border-b border-line px-1">
      <div
        ref={list}
        role="tablist"
        aria-label="Terminals"
        className="flex min-w-0 flex-1 gap-0.5 overflow-x-auto [scrollbar-width:none]"
      >
        {layout.tabs.map((tab) => {
          const active = tab.id === layout.active;
          const label = labels.get(tab.focus) ?? tab.focus;
          const title = titles[tab.focus] ?? "";
          const count = panes(tab.tree).length;
          return (
            <div
              key={tab.id}
              className={`flex max-w-52 flex-none items-center rounded-lg ${active ? "bg-wash text-ember" : "text-soft"}`}
            >
              <button
                type="button"
                role="tab"
                data-tab={tab.id}
                data-testid="terminal-tab"
                aria-selected={active}
                tabIndex={active ? 0 : -1}
                title={[label, title].filter((part) => part !== "").join(" — ")}
                className="flex min-h-10 min-w-10 items-center gap-1.5 truncate rounded-lg pr-1 pl-3 text-[0.8125rem]"
                onClick={() => onTab(tab.id, true)}
                onDoubleClick={() => onDeed("rename", tab.focus)}
                onKeyDown={move}
              >
                {panes(tab.tree).some((name) => rang.has(name)) && (
                  <span className="ember-dot" role="img" aria-label="rang" />
                )}
                <span className="flex-none font-medium">{label}</span>
                {count > 1 && <span className="flex-none text-2xs text-faint">+{count - 1}</span>}
                {title !== "" && <span className="truncate text-xs text-faint">{title}</span>}
              </button>
              <button
                type="button"
                className="icon-btn size-8! pointer-coarse:size-10!"
                aria-label={`End terminal ${label}`}
                tabIndex={active ? 0 : -1}
                onClick={() => onDeed("close", tab.focus)}
              >
                <Close size={13} />
              </button>
            </div>
          );
        })}
      </div>
      <button
        type="button"
        className="icon-btn"
        data-testid="new-terminal"
        aria-label="New terminal"
        title={`New terminal (${keysOf["new-tab"]})`}
        onClick={() => onDeed("new-tab")}
      >
        <Plus size={17} />
      </button>
      <Popover
        label="What to do with this terminal"
        align="right"
        open={menu}
        onClose={() => setMenu(false)}
        button={
          <button
            type="button"
            className="icon-btn"
            data-testid="terminal-menu"
            aria-label="More"
            aria-haspopup="dialog"
            aria-expanded={menu}
            onClick={() => setMenu(!menu)}
          >
            <More size={17} />
          </button>
        }
      >
        <div className="max-h-[70dvh] overflow-y-auto p-1.5">
          {DEEDS.filter(({ deed }) => !slim || !OF_WIDE.has(deed)).map(({ deed, label }) => (
            <button
              key={deed}
              type="button"
              data-deed={deed}
              aria-pressed={TOGGLES.has(deed) ? pressed.has(deed) : undefined}
              className="flex min-h-10 w-full items-center justify-between gap-4 rounded-lg px-3 text-left text-sm hover:bg-wash"
              onClick={() => {
                setMenu(false);
                onDeed(deed);
              }}
            >
              {label}
              {TOGGLES.has(deed) ? (
                <span className="text-2xs text-faint">{pressed.has(deed) ? "on" : "off"}</span>
              ) : slim ? null : (
                <kbd className="font-sans text-2xs text-faint">{deed in keysOf ? keysOf[deed as Command] : ""}</kbd>
              )}
            </button>
          ))}
        </div>
      </Popover>
    </div>
  );
}
