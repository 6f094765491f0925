// The keys that a phone's keyboard lacks. Ctrl holds for the next one, wherever that is typed.
import type { Key } from "../terminal/keys.ts";

export interface KeyBarProps {
  ctrl: boolean;
  onCtrl: () => void;
  onKey: (key: Key) => void;
  onText: (text: string) => void;
  onPaste: () => void;
  /** What is shown, as text that a finger can select. */
  onSelect: () => void;
}

const KEYS: readonly { label: string; says: string; key?: Key; text?: string }[] = [
  { label: "Esc", says: "Escape", key: "escape" },
  { label: "Tab", says: "Tab", key: "tab" },
  { label: "↑", says: "Up", key: "up" },
  { label: "↓", says: "Down", key: "down" },
  { label: "←", says: "Left", key: "left" },
  { label: "→", says: "Right", key: "right" },
  { label: "|", says: "Pipe", text: "|" },
  { label: "~", says: "Tilde", text: "~" },
  { label: "/", says: "Slash", text: "/" },
  { label: "-", says: "Minus", text: "-" },
  { label: "Home", says: "Home", key: "home" },
  { label: "End", says: "End", key: "end" },
  { label: "PgUp", says: "Page up", key: "pageup" },
  { label: "PgDn", says: "Page down", key: "pagedown" },
];
const LOOK =
  "h-10 min-w-10 flex-none rounded-lg border border-line bg-raised px-1.5 font-mono text-[0.8125rem] select-none active:bg-wash";

export function KeyBar({ ctrl, onCtrl, onKey, onText, onPaste, onSelect }: KeyBarProps) {
  return (
    <div
      role="toolbar"
      aria-label="Keys"
      data-testid="key-bar"
      className="flex flex-none gap-[3px] overflow-x-auto border-t border-line bg-surface px-1 py-1.5 pb-[max(0.375rem,env(safe-area-inset-bottom))] [scrollbar-width:none]"
      // The keyboard stays where it is, and with a phone stays open.
      onPointerDown={(event) => event.preventDefault()}
      onMouseDown={(event) => event.preventDefault()}
    >
      {KEYS.slice(0, 2).map(button)}
      <button
        type="button"
        className={`${LOOK} ${ctrl ? "border-transparent bg-ember! text-on-ember!" : ""}`}
        aria-pressed={ctrl}
        onClick={onCtrl}
      >
        Ctrl
      </button>
      {KEYS.slice(2).map(button)}
      <button type="button" className={LOOK} onClick={onPaste}>
        Paste
      </button>
      <button type="button" className={LOOK} onClick={onSelect}>
        Select
      </button>
    </div>
  );

  function button({ label, says, key, text }: (typeof KEYS)[number]) {
    const press = () => {
      if (key !== undefined) onKey(key);
      else if (text !== undefined) onText(text);
    };
    return (
      <button key={says} type="button" className={LOOK} aria-label={says} onClick={press}>
        {label}
      </button>
    );
  }
}
