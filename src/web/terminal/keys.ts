// Keys that a phone's keyboard lacks, as the bytes a terminal sends for them.

export type Key = "escape" | "tab" | "up" | "down" | "left" | "right" | "home" | "end" | "pageup" | "pagedown";

const LETTER: Partial<Record<Key, string>> = { up: "A", down: "B", right: "C", left: "D", home: "H", end: "F" };
const PLAIN: Partial<Record<Key, string>> = { escape: "\x1b", tab: "\t", pageup: "\x1b[5~", pagedown: "\x1b[6~" };

/** `application`: the program has switched the cursor keys (DECCKM), as vim and less do. */
export function keyBytes(key: Key, { application, ctrl }: { application: boolean; ctrl: boolean }): string {
  const letter = LETTER[key];
  if (letter === undefined)
    return ctrl && key.startsWith("page") ? `\x1b[${key === "pageup" ? 5 : 6};5~` : (PLAIN[key] ?? "");
  if (ctrl) return `\x1b[1;5${letter}`;
  return application ? `\x1bO${letter}` : `\x1b[${letter}`;
}

/** The first character of what was typed, as if Ctrl were held; text that has no such form stays as it is. */
export function withCtrl(typed: string): string {
  const [first = "", ...rest] = typed;
  const upper = first.toUpperCase();
  if (/^[@-_]$/.test(upper)) return String.fromCharCode(upper.charCodeAt(0) & 0x1f) + rest.join("");
  if (first === " ") return `\0${rest.join("")}`;
  if (first === "?") return `\x7f${rest.join("")}`;
  if (first === "/" || first === "-") return `\x1f${rest.join("")}`;
  return typed;
}
