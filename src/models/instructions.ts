// The offline model's language: one instruction per line of what a person typed. Pure, so that a resumed turn reads the same.

export type Instruction =
  | { do: "run"; command: string }
  | { do: "start"; command: string; until: string | undefined }
  | { do: "read"; path: string }
  | { do: "write"; path: string; text: string }
  | { do: "search"; text: string }
  | { do: "ask"; question: string }
  | { do: "say"; text: string }
  | { do: "think"; text: string }
  | { do: "wait"; seconds: number }
  /** Ask whether a harmless command may run, so that a person sees what being asked is like. */
  | { do: "try" }
  /** A line that is none of the above. */
  | { do: "unknown"; line: string };

/** For people, in Markdown: what can be typed. */
export const grammar = [
  "- `run CMD`: run a command and wait for it",
  "- `start CMD`: start it in the background; you hear when it ends",
  "- `start CMD until TEXT`: the same, and you hear when it prints TEXT",
  "- `read PATH`, `write PATH: TEXT`, `search TEXT`: files of the workspace",
  "- `ask QUESTION`: ask you something",
  "- `say TEXT`, `think TEXT`, `wait SECONDS`",
  "- `try approval`: ask whether I may run a harmless command, as a real model asks",
].join("\n");

/** A day: whoever wants to wait longer has mistyped. */
const LONGEST_WAIT = 86_400;

/** The instructions of a message in order, one per line that is not blank. */
export function parseInstructions(message: string): Instruction[] {
  const lines = message.split(/\r\n|\r|\n/).map((line) => line.trim());
  return lines.filter((line) => line !== "").map(parseLine);
}

function parseLine(line: string): Instruction {
  const [, keyword = "", rest = ""] = /^(\S+)\s+(.*)$/.exec(line) ?? [];
  return (rest === "" ? undefined : parseAs(keyword.toLowerCase(), rest)) ?? { do: "unknown", line };
}

function parseAs(keyword: string, rest: string): Instruction | undefined {
  switch (keyword) {
    case "run":
      return { do: "run", command: rest };
    case "start":
      return { do: "start", ...splitUntil(rest) };
    case "read":
      return { do: "read", path: unquoted(rest) };
    case "write": {
      const [, path, text = ""] = /^(.+?):\s?(.*)$/.exec(rest) ?? [];
      return path === undefined ? undefined : { do: "write", path: unquoted(path.trim()), text };
    }
    case "search":
      return { do: "search", text: unquoted(rest) };
    case "ask":
      return { do: "ask", question: rest };
    case "say":
      return { do: "say", text: rest };
    case "think":
      return { do: "think", text: rest };
    case "try":
      return /^(?:an\s+)?approvals?$/i.test(rest) ? { do: "try" } : undefined;
    case "wait": {
      const [, number] = /^(\d+(?:\.\d+)?)\s*(?:s|sec|seconds?)?$/i.exec(rest) ?? [];
      const seconds = Number(number);
      return number === undefined || seconds > LONGEST_WAIT ? undefined : { do: "wait", seconds };
    }
    default:
      return undefined;
  }
}

/**
 * `CMD until TEXT`, at the last `until` that can be meant: not one inside quotes, where it belongs to the command or to
 * TEXT, nor the shell's own `until …; do`.
 */
function splitUntil(rest: string): { command: string; until: string | undefined } {
  for (const found of Array.from(rest.matchAll(/\s+until\s+/gi)).reverse()) {
    const command = rest.slice(0, found.index).trim();
    const text = rest.slice(found.index + found[0].length).trim();
    if (command === "" || text === "" || insideQuotes(command) || /;\s*do\b/.test(text)) continue;
    const until = unquoted(text);
    if (until !== "") return { command, until };
  }
  return { command: rest, until: undefined };
}

function insideQuotes(before: string): boolean {
  const count = (quote: string): number => before.split(quote).length - 1;
  return count('"') % 2 === 1 || count("'") % 2 === 1 || count("“") > count("”");
}

/** Straight or typographic quotes around the whole text are not part of it. */
function unquoted(text: string): string {
  const [, inner] =
    /^(?:"([^"]*)"|'([^']*)'|[“”„«]([^“”»]*)[“”»]|[‘’‚]([^‘’]*)[‘’])$/.exec(text)?.filter(defined) ?? [];
  return inner ?? text;
}

const defined = (group: string | undefined): boolean => group !== undefined;
