// The left column: the mark, the conversations, and at its foot the light.
import { useState } from "react";
import type { Hub } from "../hub.ts";
import { boardHash } from "../route.ts";
import { useField } from "../store.ts";
import { nextTheme, setTheme, type Theme, theme } from "../theme.ts";
import { Gauge, Half, Mark, Moon, Sun } from "./icons.tsx";
import { SessionList, type SessionListProps } from "./session-list.tsx";

const looks = {
  system: { Icon: Half, label: "Auto" },
  light: { Icon: Sun, label: "Light" },
  dark: { Icon: Moon, label: "Dark" },
} as const;

export interface SidebarProps extends SessionListProps {
  hub: Hub;
  /** The board of processes is what is shown. */
  board: boolean;
  onBoard: () => void;
}

export function Sidebar({ hub, board, onBoard, ...list }: SidebarProps) {
  const processes = useField(hub.state, "processes");
  const running = processes.filter((process) => process.status === "running").length;
  const build = useField(hub.state, "build");
  const [look, setLook] = useState<Theme>(theme);
  const { Icon, label } = looks[look];
  return (
    <div className="flex h-full min-h-0 flex-col">
      <div className="flex h-14 flex-none items-center gap-2.5 px-4">
        <Mark size={26} />
        <span className="font-serif text-lg font-semibold tracking-tight">Hearth</span>
      </div>
      <SessionList {...list} />
      <a
        data-testid="board-link"
        href={boardHash()}
        aria-current={board ? "page" : undefined}
        className={`mx-2 mb-1 flex min-h-10 items-center gap-2 rounded-xl px-3 text-sm hover:bg-raised ${board ? "bg-wash text-ember" : "text-soft"}`}
        onClick={onBoard}
      >
        <Gauge size={16} /> All processes
        {running > 0 && (
          <span className="ml-auto rounded-full bg-glow/20 px-1.5 text-2xs text-ember tabular-nums">{running}</span>
        )}
      </a>
      <div className="flex items-center gap-2 border-t border-line px-2 py-1.5 pb-[max(0.375rem,env(safe-area-inset-bottom))]">
        <button
          type="button"
          data-testid="theme"
          className="btn btn-quiet px-2! text-xs! font-normal!"
          aria-label={`Colours: ${label}. Change`}
          onClick={() => {
            const next = nextTheme(look);
            setTheme(next);
            setLook(next);
          }}
        >
          <Icon size={16} /> {label}
        </button>
        <span className="ml-auto truncate pr-2 text-2xs text-faint">{build}</span>
      </div>
    </div>
  );
}
