// Moving in a list of processes without a mouse: j, k or the arrows, Enter, and / for the words to look for.
import type { KeyboardEvent, RefObject } from "react";

/** The handler for a list whose rows each have one `[data-row]`. `filter`: the field that / leads to. */
export function useListKeys(
  list: RefObject<HTMLElement | null>,
  filter: RefObject<HTMLElement | null> | null,
): (event: KeyboardEvent) => void {
  return (event) => {
    if (event.target instanceof HTMLInputElement || event.target instanceof HTMLSelectElement) return;
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "/" && filter !== null) {
      event.preventDefault();
      filter.current?.focus();
      return;
    }
    const by = steps[event.key];
    const rows = [...(list.current?.querySelectorAll<HTMLElement>("[data-row]") ?? [])];
    if (by === undefined || rows.length === 0) return;
    event.preventDefault();
    const now = rows.indexOf(document.activeElement as HTMLElement);
    rows[Math.min(rows.length - 1, Math.max(0, now < 0 ? 0 : now + by))]?.focus();
  };
}

const steps: Readonly<Record<string, number>> = {
  j: 1,
  ArrowDown: 1,
  k: -1,
  ArrowUp: -1,
  Home: Number.NEGATIVE_INFINITY,
  End: Number.POSITIVE_INFINITY,
};
