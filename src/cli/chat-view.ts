// What a conversation looks like on a terminal: events in, text to print out. No terminal is touched in here.
import { diffNote, diffRows, isCut } from "../client/diff.ts";
import type { EventParams, EventType, Payload } from "../protocol/events.ts";
import { exact, safe, safeLine } from "./safe-text.ts";
import type { Screen } from "./screen.ts";

const LONGEST_RESULT_LINES = 6;
const LONGEST_LINE = 160;
/** Of a request for approval: more than that may not be in sight when its end is. */
const MOST_ROWS_SEEN = 20;
const COLUMNS = 80;

/** Where a piece belongs: the agent's own words are the answer, all else is about how it came to be. */
export interface Piece {
  kind: "answer" | "about";
  text: string;
}
type Known = { [T in EventType]: { type: T; payload: Payload<T> } }[EventType];

export class ChatView {
  readonly #style: Screen["style"];
  /** The message whose text is being streamed, and whether the cursor is in the middle of a line. */
  #message: string | undefined;
  #midLine: "answer" | "about" | undefined;
  readonly #own: ReadonlySet<string>;
  /** Calls that were refused and are not over yet. */
  readonly #denied = new Set<string>();

  /** @param own keys of prompts that were typed here and need not be shown again; may grow. */
  constructor(style: Screen["style"], own: ReadonlySet<string> = new Set()) {
    this.#style = style;
    this.#own = own;
  }

  /** What to print for one event. */
  take(event: EventParams): Piece[] {
    const pieces = this.#pieces(event as EventParams & Known);
    return pieces.filter(({ text }) => text !== "");
  }

  /** Ends a line that was begun, so that something else can be printed. */
  settle(): Piece[] {
    const kind = this.#midLine;
    this.#midLine = undefined;
    this.#message = undefined;
    return kind === undefined ? [] : [{ kind, text: "\n" }];
  }

  #pieces(event: Known): Piece[] {
    switch (event.type) {
      case "prompt.accepted": {
        if (event.payload.key !== undefined && this.#own.has(event.payload.key)) return [];
        return this.#about(this.#style("bold", `› ${safe(event.payload.text)}`));
      }
      case "message.delta":
        return this.#stream("answer", event.payload.message_id, event.payload.text);
      case "reasoning.delta":
        return this.#stream("about", `${event.payload.message_id} reasoning`, event.payload.text);
      case "message.complete":
        return this.#complete(event.payload);
      case "message.dropped":
        return this.#about(this.#style("yellow", `… cut (${safeLine(event.payload.reason, LONGEST_LINE)})`));
      case "tool.start":
        return this.#toolStart(event.payload);
      case "tool.complete":
        return this.#toolComplete(event.payload);
      case "notice":
        return this.#about(this.#style("cyan", `● ${glance(event.payload.text, 2)}`));
      case "approval.settled":
        if (event.payload.choice === "deny" || event.payload.choice === "cancelled")
          return this.#refused(event.payload.call_id, event.payload.choice);
        return this.#about(this.#style("dim", `  approval: ${event.payload.choice}`));
      case "clarify.settled":
        return this.#about(this.#style("dim", `  answer: ${safeLine(event.payload.answer ?? "none", LONGEST_LINE)}`));
      case "turn.ended":
        return this.#turnEnded(event.payload);
      default:
        return [];
    }
  }

  #stream(kind: Piece["kind"], message: string, text: string): Piece[] {
    const before = this.#message === message ? [] : this.settle();
    this.#message = message;
    const shown = safe(text);
    if (shown !== "") this.#midLine = shown.endsWith("\n") ? undefined : kind;
    return [...before, { kind, text: kind === "about" ? this.#style("dim", shown) : shown }];
  }

  #complete({ message_id, text, finish }: Payload<"message.complete">): Piece[] {
    // Deltas have shown it already, unless this client came late and they are elided by now.
    const shown = this.#message === message_id ? [] : this.#stream("answer", message_id, text);
    return [...shown, ...this.settle(), ...(finish === "cut" ? this.#about(this.#style("yellow", "… cut")) : [])];
  }

  #toolStart({ name, preview, process_id }: Payload<"tool.start">): Piece[] {
    const live =
      process_id === undefined
        ? ""
        : `\n${this.#style("dim", `  live output: hearth logs -f ${safeLine(process_id)}`)}`;
    return this.#about(
      `${this.#style("cyan", "→")} ${this.#style("bold", safeLine(name))} ${safeLine(preview, LONGEST_LINE)}${live}`,
    );
  }

  #refused(call: string, choice: "deny" | "cancelled"): Piece[] {
    this.#denied.add(call);
    const said = choice === "deny" ? "denied, not done" : "stopped before it was answered, not done";
    return this.#about(`${this.#style("red", "✗")} ${said}`);
  }

  #toolComplete({ call_id, name, status, result, duration_ms }: Payload<"tool.complete">): Piece[] {
    // That it was refused has been said, and all its result says is that.
    if (this.#denied.delete(call_id)) return [];
    const good = status === "ok";
    const mark = good ? this.#style("green", "✓") : this.#style("red", "✗");
    const how = good ? "" : ` ${status}`;
    const head = `${mark} ${safeLine(name)}${how} ${this.#style("dim", `${(duration_ms / 1000).toFixed(1)} s`)}`;
    const body = glance(result, LONGEST_RESULT_LINES).replace(/^/gm, "  ");
    return this.#about(result.trim() === "" ? head : `${head}\n${this.#style("dim", body)}`);
  }

  #turnEnded({ status, error }: Payload<"turn.ended">): Piece[] {
    if (status === "done") return this.settle();
    const why = error === undefined ? "" : `: ${safeLine(error.message, 500)}`;
    const hint = error?.hint === undefined ? "" : `\n${safeLine(error.hint, 500)}`;
    return this.#about(this.#style(status === "failed" ? "red" : "yellow", `■ ${status}${why}${hint}`));
  }

  #about(text: string): Piece[] {
    return [...this.settle(), { kind: "about", text: `${text}\n` }];
  }
}

/** A long text at a glance: how it begins and how it ends, each line cut to a readable length, blank ones left out. */
export function glance(text: string, count: number): string {
  const lines = safe(text)
    .split("\n")
    .filter((line) => line.trim() !== "")
    .map((line) => safeLine(line, LONGEST_LINE));
  // "1 more line" would take the place of that line.
  if (lines.length <= count + 1) return lines.join("\n");
  const first = Math.ceil(count / 2);
  const left = `… ${lines.length - count} more lines`;
  return [...lines.slice(0, first), left, ...lines.slice(lines.length - (count - first))].join("\n");
}

/** A request for approval as a person must see it: all of it, nothing hidden (A36). */
export function approvalText(
  request: Pick<Payload<"approval.request">, "name" | "preview" | "reason" | "arguments"> & {
    diff?: string | null | undefined;
  },
  style: Screen["style"],
): string {
  const { diff = null } = request;
  // A diff that tells all of a change takes the place of the whole new text.
  const inDiff = diff !== null && !isCut(diff);
  const whole = Object.entries(request.arguments)
    .filter(([name]) => !inDiff || name !== "content")
    .map(([name, value]) => `  ${safeLine(name)}: ${exact(typeof value === "string" ? value : JSON.stringify(value))}`)
    .join("\n");
  const told = [
    style("yellow", `? ${safeLine(request.name)} asks for approval: ${exact(request.preview)}`),
    style("dim", `  ${safeLine(request.reason)}`),
    whole,
    ...(diff === null ? [] : [`  change: ${diffNote(diff)}`, diffText(diff, style)]),
  ];
  const rows = told
    .join("\n")
    .split("\n")
    .reduce((sum, row) => sum + Math.max(1, Math.ceil(row.length / COLUMNS)), 0);
  // What has run out of sight is not read unless one knows of it.
  const note = `  that was about ${rows.toLocaleString("en")} lines: scroll up and read it from "? ${safeLine(request.name)}" on`;
  return [...told, ...(rows > MOST_ROWS_SEEN ? [style("yellow", note)] : [])].join("\n");
}

const colours: Readonly<Record<string, "green" | "red" | "dim">> = {
  "+": "green",
  "-": "red",
  "@": "dim",
  "\\": "dim",
};

/** A diff line by line, each with its sign, nothing hidden. */
function diffText(diff: string, style: Screen["style"]): string {
  return diffRows(diff)
    .map(({ mark, text }) => {
      const colour = colours[mark];
      const row = `    ${mark}${exact(text)}`;
      return colour === undefined ? row : style(colour, row);
    })
    .join("\n");
}
