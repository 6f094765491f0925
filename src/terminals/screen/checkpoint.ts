// A screen at rest is a file beside its output: it costs no memory, and the next host need not draw everything again.
import { readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Size } from "./emulator.ts";
import type { Snapshot } from "./messages.ts";
import type { State } from "./serialize.ts";

/** A screen as it was when all bytes before `offset` were drawn. */
export interface Checkpoint extends Size, State {
  offset: number;
  title: string;
}

/** Another form of the file is as good as none. */
const FORM = 1;
const NAME = "screen";

/** Replaces the one there is, whole or not at all. Not synced: whoever finds none draws from the output. */
export async function saveCheckpoint(dir: string, { head, history, body, ...facts }: Checkpoint): Promise<void> {
  const line = JSON.stringify({ form: FORM, lengths: [head.length, history.length, body.length], ...facts });
  const path = join(dir, NAME);
  await writeFile(`${path}.new`, `${line}\n${head}${history}${body}`, { mode: 0o600 });
  await rename(`${path}.new`, path);
}

/** Undefined if there is none, or none that can be used. */
export async function loadCheckpoint(dir: string): Promise<Checkpoint | undefined> {
  const text = await readFile(join(dir, NAME), "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return "";
    throw error;
  });
  const end = text.indexOf("\n");
  if (end === -1) return undefined;
  let facts: Partial<Omit<Checkpoint, keyof State> & { complete: boolean; form: number; lengths: number[] }>;
  try {
    facts = JSON.parse(text.slice(0, end));
  } catch {
    return undefined;
  }
  const { form, lengths, offset, rows, cols, title, complete } = facts;
  if (form !== FORM || offset === undefined || rows === undefined || cols === undefined) return undefined;
  const [head = 0, history = 0, body = 0] = lengths ?? [];
  const state = text.slice(end + 1);
  if (state.length !== head + history + body) return undefined;
  return {
    ...{ offset, rows, cols, title: title ?? "", complete: complete === true },
    head: state.slice(0, head),
    history: state.slice(head, head + history),
    body: state.slice(head + history),
  };
}

/** With at most `budget` characters of history, cut between two lines. */
export function trimmed<S extends State>(state: S, budget: number): S {
  if (state.history.length <= budget) return state;
  const cut = budget <= 0 ? -1 : state.history.indexOf("\r\n", state.history.length - budget);
  return { ...state, history: cut === -1 ? "" : state.history.slice(cut + 2), complete: false };
}

/** True if nothing was printed, and no size came into force, since. */
export function isCurrent(kept: Checkpoint, length: number, size: Size): boolean {
  return kept.offset === length && kept.rows === size.rows && kept.cols === size.cols;
}

/** As it goes to a viewer. */
export function frameOf({ offset, rows, cols, title, head, history, body, complete }: Checkpoint): Snapshot {
  const text = JSON.stringify({ type: "snapshot", offset, rows, cols, title, complete, screen: head + history + body });
  // Of its own, so that it can be handed to the other thread without a copy.
  return { offset, frame: new TextEncoder().encode(text) };
}
