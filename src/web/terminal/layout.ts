// How a session's terminals stand on the page: tabs, each a tree of panes. Pure; the page draws it and keeps it in the browser.

export type Way = "right" | "below";
export type Direction = "left" | "right" | "up" | "down";
/** A pane is known by the name of its terminal, which is unique in a session. */
export type Tree =
  | { kind: "pane"; name: string }
  | { kind: "split"; way: Way /** Of the first, 0…1. */; share: number; first: Tree; second: Tree };
export interface Tab {
  id: string;
  tree: Tree;
  /** The pane that has, or will get, the keyboard. */
  focus: string;
}
export interface Layout {
  tabs: readonly Tab[];
  /** Id of the tab in view; empty when there is none. */
  active: string;
}

export const MOST_PANES = 24;
const LEAST_SHARE = 0.1;

export const empty: Layout = { tabs: [], active: "" };

export function panes(tree: Tree): string[] {
  return tree.kind === "pane" ? [tree.name] : [...panes(tree.first), ...panes(tree.second)];
}
export function names(layout: Layout): string[] {
  return layout.tabs.flatMap((tab) => panes(tab.tree));
}
export function activeTab(layout: Layout): Tab | undefined {
  return layout.tabs.find((tab) => tab.id === layout.active);
}

/** A name that none of `taken` has: "main", then numbers. */
export function freshName(taken: Iterable<string>): string {
  const used = new Set(taken);
  if (!used.has("main")) return "main";
  let n = 2;
  while (used.has(String(n))) n += 1;
  return String(n);
}

/** Each pane as a tab of its own, for a place that is too narrow for two; the tab's id is the pane's name. */
export function flat(layout: Layout): Layout {
  const tabs = names(layout).map((name): Tab => ({ id: name, tree: { kind: "pane", name }, focus: name }));
  return { ...layout, tabs, active: activeTab(layout)?.focus ?? "" };
}

/** A new tab with one pane, in view. */
export function openTab(layout: Layout, name: string): Layout {
  const added = withTab(layout, name);
  return { ...added, active: added.tabs.at(-1)?.id ?? "" };
}

/** Tabs at the end for terminals that somebody else has begun; what is in view stays in view. */
export function adopt(layout: Layout, living: readonly string[]): Layout {
  const known = new Set(names(layout));
  let next = layout;
  for (const name of living) if (!known.has(name)) next = withTab(next, name);
  return next.active === "" && next.tabs[0] !== undefined ? { ...next, active: next.tabs[0].id } : next;
}

function withTab(layout: Layout, name: string): Layout {
  if (names(layout).length >= MOST_PANES || names(layout).includes(name)) return layout;
  const id = freshName(layout.tabs.map((tab) => tab.id));
  return { ...layout, tabs: [...layout.tabs, { id, tree: { kind: "pane", name }, focus: name }] };
}

/** Halves the pane `name`; the new one gets the keyboard. */
export function split(layout: Layout, name: string, way: Way, added: string): Layout {
  if (names(layout).length >= MOST_PANES || names(layout).includes(added)) return layout;
  return changeTab(layout, name, (tab) => ({
    ...tab,
    focus: added,
    tree: replace(tab.tree, name, (pane) => ({
      ...{ kind: "split", way, share: 0.5, first: pane },
      second: { kind: "pane", name: added },
    })),
  }));
}

/** Takes a pane away; its neighbour gets the room, and an empty tab goes too. */
export function close(layout: Layout, name: string): Layout {
  const at = layout.tabs.findIndex((tab) => panes(tab.tree).includes(name));
  const tab = layout.tabs[at];
  if (tab === undefined) return layout;
  const tree = without(tab.tree, name);
  const tabs =
    tree === undefined
      ? layout.tabs.filter((one) => one !== tab)
      : layout.tabs.map((one) =>
          one === tab ? { ...tab, tree, focus: tab.focus === name ? (panes(tree)[0] ?? "") : tab.focus } : one,
        );
  const gone = tree === undefined && layout.active === tab.id;
  return { tabs, active: gone ? ((tabs[at] ?? tabs[at - 1])?.id ?? "") : layout.active };
}

/** Brings a pane into view and gives it the keyboard. */
export function focus(layout: Layout, name: string): Layout {
  const changed = changeTab(layout, name, (tab) => (tab.focus === name ? tab : { ...tab, focus: name }));
  const tab = changed.tabs.find((one) => panes(one.tree).includes(name));
  return tab === undefined || (changed === layout && layout.active === tab.id)
    ? changed
    : { ...changed, active: tab.id };
}

/** The tab before or after the one in view, round and round. */
export function step(layout: Layout, by: 1 | -1): Layout {
  const at = layout.tabs.findIndex((tab) => tab.id === layout.active);
  const next = layout.tabs.at((at + by) % Math.max(1, layout.tabs.length));
  return next === undefined ? layout : { ...layout, active: next.id };
}

/** Moves a divider. `path` leads to the split: "1" for each second branch, "0" for each first. */
export function resize(layout: Layout, tabId: string, path: string, share: number): Layout {
  const within = Math.min(1 - LEAST_SHARE, Math.max(LEAST_SHARE, share));
  const change = (tree: Tree, rest: string): Tree => {
    if (tree.kind === "pane") return tree;
    if (rest === "") return { ...tree, share: within };
    return rest.startsWith("1")
      ? { ...tree, second: change(tree.second, rest.slice(1)) }
      : { ...tree, first: change(tree.first, rest.slice(1)) };
  };
  return {
    ...layout,
    tabs: layout.tabs.map((tab) => (tab.id === tabId ? { ...tab, tree: change(tab.tree, path) } : tab)),
  };
}

/** Where something is, in parts of the whole. */
export interface Box {
  x: number;
  y: number;
  width: number;
  height: number;
}
export const whole: Box = { x: 0, y: 0, width: 1, height: 1 };

/** The pane one sees next to `name` in a direction; undefined at the edge. */
export function neighbour(tree: Tree, name: string, direction: Direction): string | undefined {
  const all = boxes(tree);
  const from = all.find((box) => box.name === name);
  if (from === undefined) return undefined;
  const near = 1e-6;
  const beyond = all.filter((box) => {
    if (direction === "left") return Math.abs(box.x + box.width - from.x) < near;
    if (direction === "right") return Math.abs(from.x + from.width - box.x) < near;
    if (direction === "up") return Math.abs(box.y + box.height - from.y) < near;
    return Math.abs(from.y + from.height - box.y) < near;
  });
  const across = direction === "left" || direction === "right";
  const overlap = (box: Box) =>
    across
      ? Math.min(box.y + box.height, from.y + from.height) - Math.max(box.y, from.y)
      : Math.min(box.x + box.width, from.x + from.width) - Math.max(box.x, from.x);
  return beyond.filter((box) => overlap(box) > near).sort((a, b) => overlap(b) - overlap(a))[0]?.name;
}

/** Each pane and where it is. */
export function boxes(tree: Tree, box: Box = whole): (Box & { name: string })[] {
  if (tree.kind === "pane") return [{ ...box, name: tree.name }];
  const [first, second] = halves(tree, box);
  return [...boxes(tree.first, first), ...boxes(tree.second, second)];
}

/** Each split: the way to it, the room it shares out, and how. */
export function splits(tree: Tree, box: Box = whole, path = ""): { path: string; way: Way; share: number; box: Box }[] {
  if (tree.kind === "pane") return [];
  const [first, second] = halves(tree, box);
  const here = { path, way: tree.way, share: tree.share, box };
  return [here, ...splits(tree.first, first, `${path}0`), ...splits(tree.second, second, `${path}1`)];
}

function halves({ way, share }: { way: Way; share: number }, box: Box): [Box, Box] {
  if (way === "right") {
    const width = box.width * share;
    return [
      { ...box, width },
      { ...box, x: box.x + width, width: box.width - width },
    ];
  }
  const height = box.height * share;
  return [
    { ...box, height },
    { ...box, y: box.y + height, height: box.height - height },
  ];
}

function changeTab(layout: Layout, name: string, change: (tab: Tab) => Tab): Layout {
  const tabs = layout.tabs.map((tab) => (panes(tab.tree).includes(name) ? change(tab) : tab));
  return tabs.every((tab, at) => tab === layout.tabs[at]) ? layout : { ...layout, tabs };
}
function replace(tree: Tree, name: string, by: (pane: Tree) => Tree): Tree {
  if (tree.kind === "pane") return tree.name === name ? by(tree) : tree;
  return { ...tree, first: replace(tree.first, name, by), second: replace(tree.second, name, by) };
}
function without(tree: Tree, name: string): Tree | undefined {
  if (tree.kind === "pane") return tree.name === name ? undefined : tree;
  const first = without(tree.first, name);
  const second = without(tree.second, name);
  if (first === undefined || second === undefined) return first ?? second;
  return { ...tree, first, second };
}
