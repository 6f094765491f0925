// A column beside the conversation, which on a narrow screen slides over it instead.
import { type ReactNode, useEffect, useRef } from "react";
import { DrawerEdge } from "./drawer-edge.tsx";

export interface DrawerProps {
  label: string;
  side: "left" | "right";
  /** Slides over the page instead of standing beside the conversation. */
  over: boolean;
  open: boolean;
  onClose: () => void;
  width: string;
  /** Beside the conversation its edge can be moved; `width` in CSS pixels, null: as the class says. */
  edge?: { width: number | null; onWidth: (width: number | null) => void };
  /** Takes the whole page: what else there is must not be drawn. */
  whole?: boolean;
  children: ReactNode;
}

export function Drawer({ label, side, over, open, onClose, width, edge, whole = false, children }: DrawerProps) {
  const root = useRef<HTMLElement>(null);
  useEffect(() => {
    if (!over || !open) return;
    const before = document.activeElement;
    root.current?.focus();
    return () => {
      if (before instanceof HTMLElement) before.focus();
    };
  }, [over, open]);
  if (!over) {
    return (
      <aside
        aria-label={label}
        hidden={!open}
        // The conversation keeps the room that it needs, whatever was dragged in a larger window.
        style={whole || !edge?.width ? undefined : { width: `min(${edge.width}px, calc(100vw - 38rem))` }}
        className={`relative min-h-0 border-line bg-surface ${side === "left" ? "border-r" : "border-l"} ${whole ? "min-w-0 flex-1 border-0!" : `flex-none ${width}`}`}
      >
        {edge !== undefined && !whole && <DrawerEdge onWidth={edge.onWidth} />}
        {children}
      </aside>
    );
  }
  return (
    <>
      {open && (
        <button
          type="button"
          tabIndex={-1}
          aria-label={`Close: ${label}`}
          className="fixed inset-0 z-30 cursor-default bg-black/40"
          onClick={onClose}
        />
      )}
      <aside
        ref={root}
        aria-label={label}
        inert={!open}
        tabIndex={-1}
        onKeyDown={(event) => {
          // Inside a terminal Escape is the program's.
          if (event.key !== "Escape" || (event.target instanceof Element && event.target.closest(".xterm"))) return;
          event.stopPropagation();
          onClose();
        }}
        className={`fixed inset-y-0 z-30 ${whole ? "w-full" : "w-[min(26rem,92vw)]"} bg-surface shadow-[0_0_60px_var(--shadow)] outline-none transition-transform duration-200 ${side === "left" ? "left-0" : "right-0"} ${open ? "" : side === "left" ? "invisible -translate-x-full" : "invisible translate-x-full"}`}
      >
        {children}
      </aside>
    </>
  );
}
