// One terminal on the page: its screen, and what is to be said about it. It outlives the page; letting go here only detaches.
import { type RefObject, useCallback, useEffect, useRef, useState } from "react";
import { copyText } from "../clipboard.ts";
import type { Hub } from "../hub.ts";
import { openScreen, type Screen } from "../screen.ts";
import { listenToData } from "../terminal/answers.ts";
import { catchAttempts, Quiet } from "../terminal/attempts.ts";
import { type Command, commandOf, keysOf } from "../terminal/commands.ts";
import type { Font } from "../terminal/font-size.ts";
import { giveKeyboard } from "../terminal/keyboard.ts";
import { type Key, keyBytes, withCtrl } from "../terminal/keys.ts";
import { judgePaste } from "../terminal/paste.ts";
import type { Reader } from "../terminal/screen-reader.ts";
import { Shell } from "../terminal/shell.ts";
import { asWords } from "../terminal/upload.ts";
import type { Notice } from "./terminal-notice.tsx";
import type { Question } from "./terminal-question.tsx";
import { TerminalSearch } from "./terminal-search.tsx";
import { TerminalStatus } from "./terminal-status.tsx";
import { TerminalText, textOf } from "./terminal-text.tsx";
import { useDrop } from "./use-drop.ts";

/** What the bar above and the keys below can do with a pane. */
export interface PaneHandle {
  /** Gives it the keyboard, where that brings none up on the screen. */
  focus(): void;
  find(): void;
  copy(): void;
  paste(): void;
  /** Shows all of it as text. */
  asText(): void;
  key(key: Key): void;
  text(text: string): void;
  /** Nothing runs in it any more. */
  ended(): boolean;
  /** Id of the terminal it shows. */
  id(): string | null;
  /** Somebody else has begun a new one of its name: shows that. */
  renew(): void;
}

export interface TerminalPaneProps {
  hub: Hub;
  session: string;
  name: string;
  /** As a person calls it. */
  label: string;
  visible: boolean;
  font: Font;
  reader: Reader;
  /** Ctrl of the key bar: held for the next key. */
  ctrl: RefObject<{ held: boolean; release: () => void }>;
  handles: RefObject<Map<string, PaneHandle>>;
  onFocus: (name: string) => void;
  onCommand: (command: Command, name: string) => void;
  onAsk: (question: Question) => void;
  onTitle: (name: string, title: string) => void;
  onBell: (name: string) => void;
  onClosed: (name: string) => void;
}

const BELL_MS = 350;
const NOTICE_MS = 3_000;

export function TerminalPane(props: TerminalPaneProps) {
  const { hub, session, name, label, visible, font, reader } = props;
  const place = useRef<HTMLElement>(null);
  const live = useRef(props);
  live.current = props;
  const [shown, setShown] = useState<{ screen: Screen; shell: Shell } | null>(null);
  const [finding, setFinding] = useState(false);
  const [text, setText] = useState<string | null>(null);
  const [ringing, setRinging] = useState(false);
  const [notice, setNotice] = useState<Notice | null>(null);

  useEffect(() => {
    if (place.current === null) return;
    const screen = openScreen(place.current, {
      label: `Terminal ${name}. ${keysOf.leave} leaves it.`,
      fontSize: live.current.font.state.get().size,
      around: place.current.parentElement ?? place.current,
      onFit: (rows, cols) => shell?.wish(rows, cols),
      onLink: (target) => live.current.onAsk({ kind: "link", target }),
    });
    const { terminal } = screen;
    const shell = new Shell({
      ...{ client: hub.client, session, name, terminal, setSize: screen.setSize },
      onSay: (message) => setNotice({ text: message, action: null, held: 0 }),
      onClosed: () => live.current.onClosed(name),
    });
    setShown({ screen, shell });
    const owned = [
      listenToKeys(screen, shell, live, () => setNotice(null)),
      listenToPastes(place.current, screen, live),
      watchAttempts(screen, shell, live, { setRinging, setNotice }),
      bringHistory(screen, shell),
    ];
    screen.setReader(reader.state.get().on);
    const unfollow = [
      shell.state.subscribe(() => live.current.onTitle(name, shell.state.get().title)),
      reader.state.subscribe(() => screen.setReader(reader.state.get().on)),
      font.state.subscribe(() => screen.setFontSize(font.state.get().size)),
    ];
    const { current: handles } = live.current.handles;
    const handle = handleOf(screen, shell, live, {
      find: () => {
        shell.history();
        setFinding(true);
      },
      asText: () => shell.history(() => setText(textOf(terminal))),
    });
    handles.set(name, handle);
    // Fitted first, so that a new shell begins with the size of its place.
    screen.show(live.current.visible);
    void shell.open();
    return () => {
      if (handles.get(name) === handle) handles.delete(name);
      for (const stop of unfollow) stop();
      for (const one of owned) one[Symbol.dispose]();
      shell[Symbol.dispose]();
      screen[Symbol.dispose]();
    };
  }, [hub, session, name, font, reader]);
  useEffect(() => shown?.screen.show(visible), [shown, visible]);

  const back = () => shown && giveKeyboard(shown.screen.terminal);
  const { over, on } = useDrop({
    session,
    terminal: () => shown?.shell.state.get().id ?? null,
    say: (said, arrived) => {
      const terminal = shown?.screen.terminal;
      const act = () => {
        terminal?.paste(asWords(arrived));
        back();
      };
      const action = terminal === undefined || arrived.length === 0 ? null : { label: "Type the path", act };
      setNotice({ text: said, action, held: 0 });
    },
    ask: props.onAsk,
  });
  const dismiss = useCallback(() => setNotice(null), []);
  return (
    // biome-ignore lint/a11y/useSemanticElements: it holds no fields of a form
    <div
      role="group"
      aria-label={label}
      className={`relative flex h-full min-h-0 flex-col bg-sunken ${ringing ? "ring-2 ring-warn ring-inset" : ""}`}
      onFocus={() => props.onFocus(name)}
      {...on}
    >
      {over && (
        <p className="pointer-events-none absolute inset-2 z-20 grid place-items-center rounded-xl border-2 border-glow border-dashed bg-wash/85 font-medium">
          To where the shell is
        </p>
      )}
      <section
        ref={place}
        data-testid="terminal"
        data-name={name}
        aria-label={`Terminal ${label}`}
        className="min-h-0 flex-1 overflow-auto"
      />
      {finding && shown !== null && (
        <TerminalSearch
          search={shown.screen.search}
          onClose={() => {
            setFinding(false);
            back();
          }}
        />
      )}
      {text !== null && (
        <TerminalText
          text={text}
          onCopy={(chosen) => void copyText(chosen)}
          onClose={() => {
            setText(null);
            back();
          }}
        />
      )}
      {shown !== null && (
        <TerminalStatus
          shell={shown.shell}
          notice={notice}
          onNotice={() => {
            setNotice(null);
            notice?.action?.act();
          }}
          onDismiss={dismiss}
          onDone={back}
        />
      )}
    </div>
  );
}

type Live = RefObject<TerminalPaneProps>;

const MAY_REPEAT: ReadonlySet<Command> = new Set<Command>(["larger", "smaller"]);
/** The key of a command that is still held, perhaps without its Ctrl: it is not typed into what has the keyboard now. */
let heldKey: string | undefined;

/** Keys, answers and mouse reports to the shell; the page's own keys to the page. */
function listenToKeys({ terminal }: Screen, shell: Shell, live: Live, dismiss: () => void): Disposable {
  const listening = [
    listenToData(terminal, (data, answer) => {
      const { ctrl } = live.current;
      const held = ctrl.current.held && !answer;
      shell.input(held ? withCtrl(data) : data, answer);
      if (held) ctrl.current.release();
    }),
    // Mouse reports in the old encoding are bytes, not text.
    terminal.onBinary((data) => shell.bytes(Uint8Array.from(data, (character) => character.charCodeAt(0)))),
  ];
  terminal.attachCustomKeyEventHandler((event) => {
    if (event.type === "keyup" && event.code === heldKey) heldKey = undefined;
    // The program gets it too: an editor's Escape must not be lost to a word that happens to stand there.
    if (event.type === "keydown" && event.key === "Escape") dismiss();
    const command = event.type === "keydown" ? commandOf(event) : undefined;
    const repeats = event.type === "keydown" && event.repeat && event.code === heldKey;
    if (command === undefined && !repeats) return true;
    event.preventDefault();
    event.stopPropagation();
    if (command === undefined || (repeats && !MAY_REPEAT.has(command))) return false;
    heldKey = event.code;
    const { handles, name, onCommand } = live.current;
    const handle = handles.current.get(name);
    if (command === "copy") handle?.copy();
    else if (command === "find") handle?.find();
    else onCommand(command, name);
    return false;
  });
  return { [Symbol.dispose]: () => listening.forEach((one) => void one.dispose()) };
}

/** The clipboard's text goes in as it should, or not before it was looked at. */
function listenToPastes(place: HTMLElement, { terminal }: Screen, live: Live): Disposable {
  const paste = (event: ClipboardEvent) => {
    event.preventDefault();
    event.stopPropagation();
    pasteInto(terminal, event.clipboardData?.getData("text/plain") ?? "", live);
  };
  place.addEventListener("paste", paste, { capture: true });
  return { [Symbol.dispose]: () => place.removeEventListener("paste", paste, { capture: true }) };
}

function pasteInto(terminal: Screen["terminal"], raw: string, live: Live): void {
  const paste = judgePaste(raw, terminal.modes.bracketedPasteMode);
  const act = () => {
    terminal.paste(paste.text);
    giveKeyboard(terminal);
  };
  if (paste.ask) live.current.onAsk({ kind: "paste", paste, act });
  else if (paste.text !== "") act();
}

interface Shows {
  setRinging: (is: boolean) => void;
  setNotice: (notice: Notice) => void;
}

/** The bell is seen, not heard; what a program tries is told. Both no more often than bearable. */
function watchAttempts({ terminal }: Screen, shell: Shell, live: Live, shows: Shows): Disposable {
  const bells = new Quiet(2 * BELL_MS);
  const notices = new Quiet(NOTICE_MS);
  let timer: ReturnType<typeof setTimeout> | undefined;
  const say = (notice: Omit<Notice, "held">) => {
    const held = notices.passes();
    if (held !== null) shows.setNotice({ ...notice, held });
  };
  const listening = [
    terminal.onBell(() => {
      if (shell.muted || bells.passes() === null) return;
      live.current.onBell(live.current.name);
      shows.setRinging(true);
      timer = setTimeout(() => shows.setRinging(false), BELL_MS);
    }),
    catchAttempts(terminal, () => shell.muted, {
      onClipboard: (text) => {
        const look = (offered: string) =>
          live.current.onAsk({ kind: "clipboard", text: offered, act: () => void copyText(offered) });
        say({
          text: `A program tried to ${text === null ? "read" : "write to"} the clipboard. It was refused.`,
          action: text === null || text === "" ? null : { label: "Look at it", act: () => look(text) },
        });
      },
      onNotification: (text) => say({ text: `A program says: ${text}`, action: null }),
    }),
  ];
  return {
    [Symbol.dispose]() {
      clearTimeout(timer);
      for (const one of listening) one.dispose();
    },
  };
}

/** Whoever looks further up than what came with the screen is shown the rest. */
function bringHistory({ terminal }: Screen, shell: Shell): Disposable {
  // Not while a button is held: what somebody is just marking, or the bar they pull at, would slip out of their hand.
  const held = new Set<number>();
  const look = () => {
    const { baseY, viewportY, type } = terminal.buffer.active;
    if (held.size === 0 && type === "normal" && viewportY < baseY && !shell.muted) shell.history();
  };
  const scrolling = terminal.onScroll(look);
  const ended = new AbortController();
  const { signal } = ended;
  const down = ({ pointerId }: PointerEvent) => held.add(pointerId);
  const up = ({ pointerId }: PointerEvent) => {
    if (held.delete(pointerId)) look();
  };
  terminal.element?.addEventListener("pointerdown", down, { capture: true, signal });
  for (const over of ["pointerup", "pointercancel"] as const)
    window.addEventListener(over, up, { capture: true, signal });
  return {
    [Symbol.dispose]() {
      scrolling.dispose();
      ended.abort();
    },
  };
}

function handleOf(
  screen: Screen,
  shell: Shell,
  live: Live,
  { find, asText }: Pick<PaneHandle, "find" | "asText">,
): PaneHandle {
  const { terminal } = screen;
  return {
    focus: () => giveKeyboard(terminal),
    find,
    asText,
    copy: () => {
      const chosen = () => terminal.hasSelection() && void copyText(terminal.getSelection());
      if (terminal.hasSelection()) chosen();
      else shell.whenDrawn(chosen);
      giveKeyboard(terminal);
    },
    paste: () => {
      navigator.clipboard?.readText().then(
        (text) => pasteInto(terminal, text, live),
        // Refused by the person or by the browser, who both know it.
        (error: unknown) => console.info("the clipboard cannot be read", error),
      );
    },
    key: (key) => {
      const { ctrl } = live.current;
      const application = terminal.modes.applicationCursorKeysMode;
      shell.input(keyBytes(key, { application, ctrl: ctrl.current.held }));
      ctrl.current.release();
    },
    text: (text) => terminal.input(text),
    ended: () => shell.state.get().phase === "ended",
    id: () => shell.state.get().id,
    renew: () => void shell.renew(),
  };
}
