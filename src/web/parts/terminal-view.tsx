// The terminals of a session: tabs, each split into as many panes as one likes. Where they stand is kept in this browser.
import { type RefObject, useCallback, useEffect, useMemo, useRef, useState, useSyncExternalStore } from "react";
import type { FoldedTerminal } from "../../client/fold.ts";
import type { Result } from "../../protocol/methods.ts";
import type { Hub } from "../hub.ts";
import type { Command } from "../terminal/commands.ts";
import { fontStore } from "../terminal/font-size.ts";
import { loadLayout, pruned, saveLayout } from "../terminal/kept-layout.ts";
import * as layouts from "../terminal/layout.ts";
import { namesPutAway } from "../terminal/put-away.ts";
import { readerStore } from "../terminal/screen-reader.ts";
import { useMedia } from "../use-media.ts";
import { Plus } from "./icons.tsx";
import { KeyBar } from "./key-bar.tsx";
import { ShareDialog } from "./share-dialog.tsx";
import { Divider } from "./terminal-divider.tsx";
import { type PaneHandle, TerminalPane } from "./terminal-pane.tsx";
import { type Question, TerminalQuestion } from "./terminal-question.tsx";
import { type Deed, TerminalTabs } from "./terminal-tabs.tsx";

export interface TerminalViewProps {
  hub: Hub;
  session: string;
  /** As the session's events tell. */
  terminals: ReadonlyMap<string, FoldedTerminal>;
  visible: boolean;
  /** Somebody has asked to type here, and not got the keyboard yet; `asked` is another number each time. */
  grab: RefObject<boolean>;
  asked: number;
  /** It has the whole page. */
  wide: boolean;
  onWide: () => void;
}

/** Tabs that stay as they are while others are looked at; one from further back is drawn anew. */
const MOST_KEPT = 5;
const font = fontStore();
const reader = readerStore();
const READER_ON: ReadonlySet<Deed> = new Set<Deed>(["reader"]);
const NOTHING_ON: ReadonlySet<Deed> = new Set();

export default function TerminalView(props: TerminalViewProps) {
  const { hub, session, terminals, visible, grab, asked, wide, onWide } = props;
  const [layout, setLayout] = useState<layouts.Layout | null>(null);
  const [titles, setTitles] = useState<Readonly<Record<string, string>>>({});
  const [rang, setRang] = useState<ReadonlySet<string>>(new Set());
  const [question, setQuestion] = useState<Question | null>(null);
  const [sharing, setSharing] = useState<{ id: string; name: string } | null>(null);
  const [held, setHeld] = useState(false);
  const [recent, setRecent] = useState<readonly string[]>([]);
  const handles = useRef(new Map<string, PaneHandle>());
  const now = useRef(layout);
  now.current = layout;
  const root = useRef<HTMLDivElement>(null);
  /** Asked to end, and not told of it yet. */
  const closing = useRef(new Set<string>());
  const known = useRef(terminals);
  const ctrl = useRef({ held: false, release: () => setHeld(false) });
  ctrl.current.held = held;
  const { on: reading } = useSyncExternalStore(reader.state.subscribe, reader.state.get);
  // The newest of a name counts: an older one of it was closed.
  const labels = useMemo(
    () => new Map([...terminals.values()].map((row) => [row.name, row.title ?? row.name])),
    [terminals],
  );
  const slim = useMedia("(width <= 720px)");
  const coarse = useMedia("(pointer: coarse)") || slim;

  const change = useCallback(
    (by: (layout: layouts.Layout) => layouts.Layout, grabs = true) => {
      grab.current ||= grabs;
      setLayout((before) => (before === null ? null : by(before)));
    },
    [grab],
  );
  useBeginning(hub, session, setLayout);
  useEffect(() => {
    if (layout !== null) saveLayout(session, layout);
  }, [session, layout]);

  // What somebody else begins in this session appears as a tab; what somebody else closes goes, also where no pane hears it.
  useEffect(() => {
    const rows = [...terminals.values()];
    for (const row of rows) if (row.status !== "running") closing.current.delete(row.terminal_id);
    const living = rows.filter((row) => row.status === "running" && !closing.current.has(row.terminal_id));
    change(
      (before) =>
        layouts.adopt(
          before,
          living.map((row) => row.name),
        ),
      false,
    );
    for (const { name, terminal_id } of living) {
      const handle = handles.current.get(name);
      if (handle?.ended() && handle.id() !== terminal_id) handle.renew();
    }
    for (const name of namesPutAway(known.current, terminals)) change((before) => layouts.close(before, name), false);
    known.current = terminals;
  }, [terminals, change]);

  // What is drawn: on a phone one pane at a time.
  const seen = layout === null ? null : slim ? layouts.flat(layout) : layout;
  const tab = seen === null ? undefined : layouts.activeTab(seen);
  const focus = tab?.focus;
  // biome-ignore lint/correctness/useExhaustiveDependencies: that it was asked for is the occasion
  useEffect(() => {
    if (!visible || focus === undefined) return;
    setRang((before) => (before.has(focus) ? new Set([...before].filter((name) => name !== focus)) : before));
    if (grab.current) handles.current.get(focus)?.focus();
    grab.current = false;
  }, [focus, visible, grab, asked]);
  const wasWide = useRef(wide);
  useEffect(() => {
    if (wasWide.current !== wide && focus !== undefined) handles.current.get(focus)?.focus();
    wasWide.current = wide;
  }, [wide, focus]);
  const activeId = tab?.id;
  useEffect(() => {
    if (activeId !== undefined)
      setRecent((before) => [activeId, ...before.filter((id) => id !== activeId)].slice(0, MOST_KEPT));
  }, [activeId]);

  const forget = useCallback((name: string) => change((before) => layouts.close(before, name), false), [change]);
  const idOf = (name: string) =>
    handles.current.get(name)?.id() ?? [...terminals.values()].findLast((row) => row.name === name)?.terminal_id;
  const end = (name: string) => {
    const handle = handles.current.get(name);
    const id = idOf(name);
    const act = () => {
      if (id !== undefined) {
        closing.current.add(id);
        const failed = (error: unknown) => {
          closing.current.delete(id);
          // It lives on, as far as anybody knows: it must be seen.
          change((before) => layouts.adopt(before, [name]), false);
          console.warn("ending a terminal failed", error);
        };
        hub.client.call("terminal.close", { terminal_id: id }).then(({ closed }) => {
          if (!closed) closing.current.delete(id);
        }, failed);
      }
      change((before) => layouts.close(before, name));
    };
    const sure = (running: Result<"terminal.inside">["processes"] | null) =>
      setQuestion({ kind: "close", name: labels.get(name) ?? name, running, act });
    if (handle?.ended()) act();
    else if (id === undefined) sure(null);
    else
      hub.client.call("terminal.inside", { terminal_id: id }).then(
        // Nothing but a shell that waits is lost by ending it.
        ({ processes }) => (processes.length === 0 ? act() : sure(processes)),
        (error: unknown) => {
          console.info("what runs in a terminal is not known", error);
          sure(null);
        },
      );
  };

  const onDeed = (deed: Deed, about = focus) => {
    const fresh = (of: layouts.Layout) => layouts.freshName(taken(of));
    const pane = about ?? "";
    switch (deed) {
      case "new-tab":
        return change((before) => layouts.openTab(before, fresh(before)));
      case "next-tab":
      case "previous-tab":
        return change((before) => layouts.step(before, deed === "next-tab" ? 1 : -1));
      case "split-right":
      case "split-below":
        return change((before) =>
          layouts.split(before, pane, deed === "split-right" ? "right" : "below", fresh(before)),
        );
      case "focus-left":
      case "focus-right":
      case "focus-up":
      case "focus-down": {
        const next = tab && layouts.neighbour(tab.tree, pane, deed.slice("focus-".length) as layouts.Direction);
        return next === undefined ? undefined : change((before) => layouts.focus(before, next));
      }
      case "rename": {
        const id = idOf(pane);
        if (id === undefined) return;
        const act = (title: string) => {
          hub.client
            .call("terminal.rename", { terminal_id: id, title })
            .catch((error: unknown) => console.warn("a terminal was not renamed", error));
        };
        const label = labels.get(pane) ?? pane;
        return setQuestion({ kind: "rename", name: pane, label: label === pane ? "" : label, act });
      }
      case "share": {
        const id = idOf(pane);
        return id === undefined ? undefined : setSharing({ id, name: labels.get(pane) ?? pane });
      }
      case "close":
        return end(pane);
      case "find":
      case "copy":
      case "paste":
        return handles.current.get(pane)?.[deed]();
      case "text":
        return handles.current.get(pane)?.asText();
      case "reader":
        return reader.toggle();
      case "larger":
      case "smaller":
        return font.by(deed === "larger" ? 1 : -1);
      case "usual-size":
        return font.reset();
      case "wide":
        return onWide();
      case "leave":
        return root.current?.querySelector<HTMLElement>('[role="tab"][tabindex="0"]')?.focus();
      default:
        return deed satisfies never;
    }
  };
  /** Names in use: those on the page and those that only the host knows. */
  const taken = (of: layouts.Layout) => [...layouts.names(of), ...[...terminals.values()].map((row) => row.name)];

  const answered = () => {
    setQuestion(null);
    setSharing(null);
    // The keyboard goes back to the terminal, wherever it was when the question came.
    setTimeout(() => handles.current.get(focus ?? "")?.focus());
  };
  const act = useRef(onDeed);
  act.current = onDeed;
  const onCommand = useCallback((command: Command, name: string) => act.current(command, name), []);
  const onTitle = useCallback((name: string, title: string) => {
    setTitles((before) => (before[name] === title ? before : { ...before, [name]: title }));
  }, []);
  const onBell = useCallback((name: string) => {
    const at = now.current;
    const inView =
      at !== null && layouts.panes(layouts.activeTab(at)?.tree ?? { kind: "pane", name: "" }).includes(name);
    if (!inView) setRang((before) => new Set([...before, name]));
  }, []);
  const onFocus = useCallback((name: string) => change((before) => layouts.focus(before, name), false), [change]);

  if (seen === null) return <p className="p-6 text-sm text-faint">Opening…</p>;
  return (
    <div ref={root} className="flex h-full min-h-0 flex-col">
      <TerminalTabs
        layout={seen}
        labels={labels}
        pressed={reading ? READER_ON : NOTHING_ON}
        titles={titles}
        rang={rang}
        slim={slim}
        onTab={(id, grabs) => {
          if (grabs && id === tab?.id) handles.current.get(focus ?? "")?.focus();
          else change((before) => (slim ? layouts.focus(before, id) : { ...before, active: id }), grabs);
        }}
        onDeed={onDeed}
      />
      <div className="relative min-h-0 flex-1 bg-line" data-testid="terminals">
        {seen.tabs.flatMap((one) => {
          const inView = one === tab;
          if (!inView && !recent.includes(one.id)) return [];
          const many = one.tree.kind === "split";
          return layouts.boxes(one.tree).map(({ name, ...box }) => (
            <div
              // One element for a terminal wherever it stands, so that moving it does not begin it anew.
              key={name}
              hidden={!inView}
              style={placed(box)}
              className={`absolute overflow-hidden border ${many && one.focus === name ? "z-[1] border-glow/70" : "border-transparent"} ${many ? "" : "border-0!"}`}
            >
              <TerminalPane
                {...{ hub, session, name, font, reader, ctrl, handles, onFocus, onCommand, onTitle, onBell }}
                label={labels.get(name) ?? name}
                visible={visible && inView}
                onAsk={setQuestion}
                onClosed={forget}
              />
            </div>
          ));
        })}
        {tab !== undefined &&
          layouts
            .splits(tab.tree)
            .map((split) => (
              <Divider
                key={split.path || "root"}
                split={split}
                onShare={(share) => change((before) => layouts.resize(before, tab.id, split.path, share), false)}
              />
            ))}
        {tab === undefined && (
          <div className="grid h-full place-items-center bg-sunken p-6 text-center text-sm text-faint">
            <div>
              <p>No terminal is open here.</p>
              <button type="button" className="btn mt-3" onClick={() => onDeed("new-tab")}>
                <Plus size={16} /> New terminal
              </button>
            </div>
          </div>
        )}
      </div>
      {coarse && tab !== undefined && focus !== undefined && (
        <KeyBar
          ctrl={held}
          onCtrl={() => setHeld(!held)}
          onKey={(key) => handles.current.get(focus)?.key(key)}
          onText={(text) => handles.current.get(focus)?.text(text)}
          onPaste={() => handles.current.get(focus)?.paste()}
          onSelect={() => handles.current.get(focus)?.asText()}
        />
      )}
      {sharing !== null && <ShareDialog hub={hub} {...sharing} onClose={answered} />}
      {question !== null && <TerminalQuestion question={question} onDone={answered} />}
    </div>
  );
}

/** Percentages, so that a change of the place needs no drawing. */
function placed({ x, y, width, height }: layouts.Box) {
  const part = (value: number) => `${value * 100}%`;
  return { left: part(x), top: part(y), width: part(width), height: part(height) };
}

/** The layout as it was left here, with the terminals that there are; without any, one is begun. */
function useBeginning(hub: Hub, session: string, setLayout: (layout: layouts.Layout) => void): void {
  useEffect(() => {
    const gone = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const begin = async () => {
      try {
        const { terminals } = await hub.client.call("terminal.list", { session_id: session }, gone.signal);
        const there = new Set(terminals.map((row) => row.name));
        const living = terminals.filter((row) => row.status === "running").map((row) => row.name);
        const kept = pruned(loadLayout(session) ?? layouts.empty, there);
        const layout = layouts.adopt(kept, living);
        setLayout(layout.tabs.length > 0 ? layout : layouts.openTab(layouts.empty, layouts.freshName([])));
      } catch (error) {
        if (gone.signal.aborted) return;
        console.info("the terminals cannot be listed yet", error);
        timer = setTimeout(() => void begin(), 1_000);
      }
    };
    void begin();
    return () => {
      gone.abort();
      clearTimeout(timer);
    };
  }, [hub, session, setLayout]);
}
