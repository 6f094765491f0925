// What the keys mean that belong to the page and not to the shell. Few, all with Ctrl and Shift but for the font's size.

export type Command =
  | "copy"
  | "find"
  | "split-right"
  | "split-below"
  | "new-tab"
  | "next-tab"
  | "previous-tab"
  | "focus-left"
  | "focus-right"
  | "focus-up"
  | "focus-down"
  | "larger"
  | "smaller"
  | "usual-size"
  | "wide"
  | "leave";

/** As told to a person. */
export const keysOf: Readonly<Partial<Record<Command, string>>> = {
  copy: "Ctrl Shift C",
  find: "Ctrl Shift F",
  "split-right": "Ctrl Shift E",
  "split-below": "Ctrl Shift O",
  "new-tab": "Ctrl Shift ⏎",
  "next-tab": "Ctrl Shift >",
  "previous-tab": "Ctrl Shift <",
  larger: "Ctrl +",
  smaller: "Ctrl −",
  "usual-size": "Ctrl 0",
  wide: "Ctrl Shift X",
  leave: "Ctrl Shift L",
};

const SHIFTED: Readonly<Record<string, Command>> = {
  KeyC: "copy",
  KeyF: "find",
  KeyE: "split-right",
  KeyO: "split-below",
  Enter: "new-tab",
  Period: "next-tab",
  Comma: "previous-tab",
  ArrowLeft: "focus-left",
  ArrowRight: "focus-right",
  ArrowUp: "focus-up",
  ArrowDown: "focus-down",
  KeyX: "wide",
  KeyL: "leave",
};

type Pressed = Pick<KeyboardEvent, "ctrlKey" | "shiftKey" | "altKey" | "metaKey" | "key" | "code">;

/** The command of a key; undefined: it is the shell's. */
export function commandOf({ ctrlKey, shiftKey, altKey, metaKey, key, code }: Pressed): Command | undefined {
  if (!ctrlKey || altKey || metaKey) return undefined;
  // "+" may need Shift, "-" with Shift is Ctrl-_, which undoes in many shells.
  if (key === "+" || key === "=") return "larger";
  if (!shiftKey) return key === "-" ? "smaller" : key === "0" ? "usual-size" : undefined;
  // By letter where the layout has one, so that C is C on every keyboard; by place for the others.
  return SHIFTED[/^[a-z]$/i.test(key) ? `Key${key.toUpperCase()}` : code];
}
