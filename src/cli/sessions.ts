// `sessions`, `show`, `export`: conversations of the past.
import type { HistoryMessage, Result } from "../protocol/methods.ts";
import { connect } from "./connect.ts";
import { EXIT } from "./failure.ts";
import { safe, safeJson, safeLine } from "./safe-text.ts";
import { columns, type Screen, span } from "./screen.ts";

/** Lists conversations, the most recently used first. */
export async function sessions(
  home: string,
  options: { limit?: number; json?: boolean },
  screen: Screen,
): Promise<number> {
  using connected = await connect(home);
  const answer = await connected.client.call(
    "session.list",
    options.limit === undefined ? {} : { limit: options.limit },
  );
  if (options.json) screen.line(safeJson(answer));
  else if (answer.sessions.length === 0) screen.err("No conversation yet: begin one with `hearth chat`.\n");
  else screen.line(sessionTable(answer.sessions, Date.now(), screen.terminal ? screen.columns : undefined));
  return EXIT.done;
}

/** Exported for tests. */
function sessionTable(rows: Result<"session.list">["sessions"], now: number, width: number | undefined): string {
  const cells = rows.map((row) => [
    row.session_id,
    row.pending > 0 ? "waits for you" : row.turn_id !== null ? "works" : "idle",
    `${span(now - row.updated_at)} ago`,
    safeLine(row.workspace, 40),
    safeLine(row.title),
  ]);
  return columns(["SESSION", "STATE", "USED", "WORKSPACE", "TITLE"], cells, width);
}

const PAGE = 500;

/** Prints a conversation as a person would read it. */
export async function show(home: string, id: string, json: boolean, screen: Screen): Promise<number> {
  using connected = await connect(home);
  const all: HistoryMessage[] = [];
  for (let after = 0, more = true; more; ) {
    const page = await connected.client.call("session.history", { session_id: id, after, limit: PAGE });
    if (json) all.push(...page.messages);
    else for (const message of page.messages) screen.line(`${messageText(message, screen)}\n`);
    const last = page.messages.at(-1)?.seq ?? after;
    more = page.more && last > after;
    after = last;
  }
  if (json) screen.line(safeJson({ session_id: id, messages: all }));
  return EXIT.done;
}

/** Exported for tests. */
function messageText(message: HistoryMessage, screen: Pick<Screen, "style">): string {
  const who = { user: "you", assistant: "agent", tool: message.name ?? "tool", notice: "notice" }[message.role];
  const state = message.cut
    ? " (cut)"
    : message.status !== undefined && message.status !== "ok"
      ? ` (${message.status})`
      : "";
  const time = new Date(message.time).toISOString().replace("T", " ").slice(0, 19);
  const calls = (message.tool_calls ?? []).map(
    (call) => `\n→ ${safeLine(call.name)} ${safeLine(JSON.stringify(call.arguments), 200)}`,
  );
  return `${screen.style("bold", safeLine(who))}${screen.style("dim", `${state}  ${time}`)}\n${safe(message.text)}${calls.join("")}`.trimEnd();
}

/** Prints a whole conversation, as JSON or Markdown. */
export async function exportSession(
  home: string,
  id: string,
  format: "json" | "markdown",
  screen: Screen,
): Promise<number> {
  using connected = await connect(home);
  const { text } = await connected.client.call("session.export", { session_id: id, format });
  // To a file it goes as it is; a terminal is not to be commanded by what is in it.
  const shown = screen.terminal ? safe(text) : text;
  screen.out(shown.endsWith("\n") ? shown : `${shown}\n`);
  return EXIT.done;
}
