// Light, dark, or as the system has it; a choice is kept in this browser only.

export type Theme = "system" | "light" | "dark";
const KEY = "hearth.theme";
const order: readonly Theme[] = ["system", "light", "dark"];

export function theme(): Theme {
  const kept = localStorage.getItem(KEY);
  return kept === "light" || kept === "dark" ? kept : "system";
}

/** Applies a theme and keeps it. */
export function setTheme(to: Theme): void {
  if (to === "system") localStorage.removeItem(KEY);
  else localStorage.setItem(KEY, to);
  applyTheme();
}

export function applyTheme(): void {
  const now = theme();
  if (now === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = now;
  // Terminals draw their own colours and have to be told.
  window.dispatchEvent(new Event("hearth-theme"));
}

export function nextTheme(now: Theme): Theme {
  return order[(order.indexOf(now) + 1) % order.length] ?? "system";
}
