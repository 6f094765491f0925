// The notice of work that a session's agent had handed out: its words, which stand alone, and that it comes once.
import { createHash } from "node:crypto";
import { setImmediate as nextTurnOfTheLoop } from "node:timers/promises";
import { stripAnsi, unixLines } from "../processes/plain-text.ts";
import type { Delegation } from "../protocol/delegation.ts";
import { HostError } from "../protocol/errors.ts";
import { newEvent } from "../protocol/events.ts";
import type { Redactor } from "../secrets/redactor.ts";
import type { Session } from "./session.ts";

/** Of the whole notice. */
export const MOST_CHARACTERS = 60_000;
/** Of the goal and of the context: as much as may be given, so that they are whole; hiding a secret can lengthen them. */
const MOST_ASKED = 20_000;
/** What the notice says beside what it was given: once, and around each result. */
const FRAME = 1_000;
const FRAME_OF_RESULT = 180;
/** Untold notices of a session past which no more delegated work is taken: the agent has not read what there is. */
const MOST_WAITING = 200;

/** The same work of the same session has the same id: of text from anywhere, so its digest stands in for it. */
const delegatedNotice = (sessionId: string, delegationId: string): string =>
  `notice_${sessionId}_delegated_${createHash("sha256").update(delegationId).digest("hex").slice(0, 24)}`;

/** The same without secrets, escape sequences and control characters. Lets others have their turn: it may be megabytes. */
export async function cleared(work: Delegation, redactor: Redactor): Promise<Delegation> {
  const clear = (text: string): string => redactor.text(unixLines(stripAnsi(text)));
  const results: Delegation["results"] = [];
  for (const { task, summary, ...facts } of work.results) {
    results.push({ ...facts, summary: clear(summary), ...(task === undefined ? {} : { task: clear(task) }) });
    await nextTurnOfTheLoop();
  }
  const context = work.context === undefined ? {} : { context: clear(work.context) };
  const routing = work.routing === undefined ? {} : { routing: redactor.value(work.routing) };
  return { ...work, goal: clear(work.goal), ...context, ...routing, results };
}

/** Tells a session's agent, once. `work` was cleared. Throws too_many, and what the log throws. */
export async function tell(session: Session, work: Delegation, redactor: Redactor): Promise<{ notice_id: string }> {
  const { delegation_id, routing } = work;
  const notice_id = delegatedNotice(session.id, delegation_id);
  const { notices } = session.state;
  if (notices.size >= MOST_WAITING && !notices.has(notice_id)) {
    throw new HostError("too_many", `The agent has ${MOST_WAITING} notices to read already: tell this one again later`);
  }
  const text = delegatedText({ ...work, delegation_id: redactor.text(stripAnsi(delegation_id)) }, Date.now());
  const payload = { notice_id, kind: "delegated" as const, text, ...(routing === undefined ? {} : { routing }) };
  // Waits in its view like those of processes, so that a next host wakes the agent if this one cannot.
  await session.append([newEvent("notice", notice_id, payload)], {
    views: [{ view: "notice", key: notice_id, value: { session_id: session.id } }],
  });
  return { notice_id };
}

/** The notice's words, at most MOST_CHARACTERS; what is cut says so. `now` in ms since the epoch. */
export function delegatedText(work: Delegation, now: number): string {
  const { results, started_at } = work;
  const goal = cut(work.goal, MOST_ASKED);
  const context = cut(work.context ?? "", MOST_ASKED);
  const room = MOST_CHARACTERS - FRAME - goal.length - context.length - FRAME_OF_RESULT * results.length;
  const share = fairShare(
    results.flatMap(({ task = "", summary }) => [task.length, summary.length]),
    room,
  );
  const seconds = work.duration_s ?? Math.max(0, now - (started_at ?? now)) / 1000;
  const since = started_at === undefined ? "" : `Handed out at ${new Date(started_at).toISOString()}. `;
  const parts = [
    `${headline(results)} after ${duration(seconds)} (delegation ${work.delegation_id.replace(/\s+/g, " ")}).`,
    `${since}You may have turned to other things since: this is all of it.`,
    `\nGoal:\n${goal}`,
  ];
  if (context.trim() !== "") parts.push(`\nContext you gave:\n${context}`);
  for (const [index, { task, status, summary, duration_s }] of results.entries()) {
    const which = results.length === 1 ? "Result" : `Result ${index + 1} of ${results.length}`;
    const facts = duration_s === undefined ? status : `${status}, ${duration(duration_s)}`;
    const about = task === undefined || task.trim() === "" ? "" : `Task: ${cut(task, share)}\n`;
    const said = summary.trim() === "" ? "Nothing was said about it." : cut(summary, share).trimEnd();
    parts.push(`\n${which} (${facts}):\n${about}${said}`);
  }
  return parts.join("\n");
}

function headline(results: Delegation["results"]): string {
  const [first] = results;
  if (results.length === 1 && first !== undefined) {
    const became = { done: "is done", failed: "has failed", cancelled: "was cancelled" };
    return `Work you handed out ${became[first.status]}`;
  }
  const counts = (["done", "failed", "cancelled"] as const)
    .map((status) => ({ status, count: results.filter((one) => one.status === status).length }))
    .filter(({ count }) => count > 0);
  return `Work you handed out in ${results.length} tasks is over: ${counts.map(({ status, count }) => `${count} ${status}`).join(", ")},`;
}

/** How long each text may be so that all fit into `room`: short ones leave what they do not need to the long ones. */
function fairShare(lengths: readonly number[], room: number): number {
  let left = room;
  for (const [index, length] of lengths.toSorted((a, b) => a - b).entries()) {
    const share = Math.floor(left / (lengths.length - index));
    if (length > share) return Math.max(0, share);
    left -= length;
  }
  return Number.POSITIVE_INFINITY;
}

/** The first `most` characters, never half of one, and how many are missing. */
function cut(text: string, most: number): string {
  if (text.length <= most) return text;
  const kept = text.slice(0, most).replace(/[\ud800-\udbff]$/, "");
  return `${kept}… [cut: ${text.length - kept.length} of ${text.length} characters not shown]`;
}

const units = [
  ["day", 86_400],
  ["h", 3_600],
  ["min", 60],
  ["s", 1],
] as const;

/** Seconds in words, in the two largest units that count. */
function duration(seconds: number): string {
  const whole = Math.round(seconds);
  const first = units.findIndex(([, length]) => whole >= length);
  if (first === -1) return "less than a second";
  let left = whole;
  const words: string[] = [];
  for (const [name, length] of units.slice(first, first + 2)) {
    const count = Math.floor(left / length);
    left -= count * length;
    if (count > 0) words.push(`${count} ${name === "day" && count !== 1 ? "days" : name}`);
  }
  return words.join(" ");
}
