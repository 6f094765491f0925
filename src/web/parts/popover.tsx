// A small surface that opens under its button (on a phone: at the foot of the screen) and closes when one looks elsewhere.
import { type ReactNode, useEffect, useRef } from "react";

export interface PopoverProps {
  label: string;
  open: boolean;
  onClose: () => void;
  /** The side of the button it lines up with. */
  align?: "left" | "right";
  button: ReactNode;
  children: ReactNode;
}

export function Popover({ label, open, onClose, align = "left", button, children }: PopoverProps) {
  const root = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (!open) return;
    const outside = (event: Event) => {
      if (event.target instanceof Node && !root.current?.contains(event.target)) onClose();
    };
    const key = (event: KeyboardEvent) => {
      if (event.key !== "Escape") return;
      // Escape closes this, and does not also stop a turn.
      event.stopPropagation();
      onClose();
      root.current?.querySelector("button")?.focus();
    };
    const element = root.current;
    document.addEventListener("pointerdown", outside);
    document.addEventListener("focusin", outside);
    element?.addEventListener("keydown", key);
    return () => {
      document.removeEventListener("pointerdown", outside);
      document.removeEventListener("focusin", outside);
      element?.removeEventListener("keydown", key);
    };
  }, [open, onClose]);
  return (
    <div ref={root} className="relative min-w-0">
      {button}
      {open && (
        <div
          role="dialog"
          aria-label={label}
          className={`rise card z-40 overflow-hidden shadow-[0_18px_50px_-12px_var(--shadow)] max-sm:fixed max-sm:inset-x-2 max-sm:bottom-2 sm:absolute sm:top-full sm:mt-1.5 sm:w-96 ${align === "left" ? "sm:left-0" : "sm:right-0"}`}
        >
          {children}
        </div>
      )}
    </div>
  );
}
