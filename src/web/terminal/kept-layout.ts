// Layouts outlive the page: kept in this browser, one per session, the oldest forgotten. What is read back is judged anew.
import { close, type Layout, MOST_PANES, names, panes, type Tab, type Tree } from "./layout.ts";

const PREFIX = "hearth.terminals.";
const MOST_SESSIONS = 40;
const LONGEST = 20_000;

type Keep = Pick<Storage, "getItem" | "setItem" | "removeItem" | "key" | "length">;

export function loadLayout(session: string, storage: Keep = localStorage): Layout | null {
  const text = storage.getItem(PREFIX + session);
  return text === null ? null : parseLayout(text);
}

export function saveLayout(session: string, layout: Layout, storage: Keep = localStorage): void {
  const text = JSON.stringify({ at: Date.now(), ...layout });
  try {
    if (layout.tabs.length === 0 || text.length > LONGEST) storage.removeItem(PREFIX + session);
    else storage.setItem(PREFIX + session, text);
  } catch (error) {
    // Full, or forbidden in this window: the layout then lasts as long as the page.
    console.warn("the layout of the terminals was not kept", error);
  }
  forgetOldest(storage);
}

/** The layout in `text`; null if it is none. Never throws. */
export function parseLayout(text: string): Layout | null {
  try {
    const { tabs, active } = record(text.length > LONGEST ? null : JSON.parse(text));
    if (!Array.isArray(tabs) || tabs.length === 0 || tabs.length > MOST_PANES) return null;
    const layout: Layout = { tabs: tabs.map(tabOf), active: String(active) };
    const all = names(layout);
    const ids = layout.tabs.map((tab) => tab.id);
    if (all.length > MOST_PANES || new Set(all).size !== all.length || new Set(ids).size !== ids.length) return null;
    return ids.includes(layout.active) ? layout : { ...layout, active: ids[0] ?? "" };
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof TypeError) return null;
    throw error;
  }
}

/** Only the panes whose terminals there are. */
export function pruned(layout: Layout, there: ReadonlySet<string>): Layout {
  return names(layout)
    .filter((name) => !there.has(name))
    .reduce(close, layout);
}

function record(value: unknown): Record<string, unknown> {
  if (typeof value !== "object" || value === null) throw new TypeError("no object");
  return value as Record<string, unknown>;
}
function word(value: unknown): string {
  if (typeof value !== "string" || value === "" || value.length > 100) throw new TypeError("no name");
  return value;
}
function tabOf(value: unknown): Tab {
  const { id, tree, focus } = record(value);
  const made = treeOf(tree, 0);
  const [first = ""] = panes(made);
  return { id: word(id), tree: made, focus: typeof focus === "string" && panes(made).includes(focus) ? focus : first };
}
function treeOf(value: unknown, depth: number): Tree {
  const { kind, name, way, share, first, second } = record(value);
  if (kind === "pane") return { kind, name: word(name) };
  if (kind !== "split" || depth > MOST_PANES || (way !== "right" && way !== "below")) throw new TypeError("no split");
  const part = typeof share === "number" && share >= 0.1 && share <= 0.9 ? share : 0.5;
  return { kind, way, share: part, first: treeOf(first, depth + 1), second: treeOf(second, depth + 1) };
}
function forgetOldest(storage: Keep): void {
  const kept: { key: string; at: number }[] = [];
  for (let n = 0; n < storage.length; n += 1) {
    const key = storage.key(n);
    if (key?.startsWith(PREFIX))
      kept.push({ key, at: Number(/"at":(\d+)/.exec(storage.getItem(key) ?? "")?.[1] ?? 0) });
  }
  kept.sort((a, b) => b.at - a.at);
  for (const { key } of kept.slice(MOST_SESSIONS)) storage.removeItem(key);
}
