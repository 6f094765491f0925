// A question that has to be answered before anything else is done.
import { type ReactNode, useId, useLayoutEffect, useRef } from "react";

export interface DialogProps {
  title: string;
  children: ReactNode;
  /** What the button does, in a word or two; null: there is nothing to do but to close. */
  action: string | null;
  /** Enter alone must not do it: the keyboard begins at "Cancel". */
  careful?: boolean;
  /** The word for leaving, where it is not "Cancel". */
  close?: string;
  onAct: () => void;
  onClose: () => void;
}

export function Dialog({ title, children, action, careful = false, close, onAct, onClose }: DialogProps) {
  const root = useRef<HTMLDialogElement>(null);
  const id = useId();
  // With its coming, not a moment later: a key pressed at its sight is an answer to it, and nobody else's.
  useLayoutEffect(() => {
    const dialog = root.current;
    if (dialog === null) return;
    const before = document.activeElement;
    dialog.showModal();
    dialog.querySelector<HTMLElement>("[data-first]")?.focus();
    return () => {
      dialog.close();
      if (before instanceof HTMLElement) before.focus();
    };
  }, []);
  return (
    <dialog
      ref={root}
      aria-labelledby={id}
      data-testid="dialog"
      className="card fixed inset-0 m-auto flex max-h-[80dvh] w-[min(34rem,94vw)] flex-col p-0 text-ink shadow-[0_18px_60px_var(--shadow)] backdrop:bg-black/50"
      onCancel={(event) => {
        event.preventDefault();
        onClose();
      }}
      // What stands behind has its own idea of Escape.
      onKeyDown={(event) => event.stopPropagation()}
    >
      <form
        className="flex min-h-0 flex-col gap-3 p-5"
        onSubmit={(event) => {
          event.preventDefault();
          if (action !== null) onAct();
        }}
      >
        <h2 id={id} className="font-serif text-lg font-semibold">
          {title}
        </h2>
        <div className="min-h-0 overflow-auto text-sm">{children}</div>
        <div className="flex justify-end gap-2">
          <button
            type="button"
            className="btn btn-quiet"
            data-testid="dialog-cancel"
            data-first={careful || action === null ? "" : undefined}
            onClick={onClose}
          >
            {close ?? (action === null ? "Close" : "Cancel")}
          </button>
          {action !== null && (
            <button
              type="submit"
              className="btn btn-ember"
              data-testid="dialog-act"
              data-first={careful ? undefined : ""}
            >
              {action}
            </button>
          )}
        </div>
      </form>
    </dialog>
  );
}
