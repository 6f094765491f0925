// From a request to what the keeper is told: words, folder, environment, size; and the row that will stand for it.
import path from "node:path";
import type { Child, ChildSpec } from "../keeper/keepers.ts";
import { HostError } from "../protocol/errors.ts";
import type { ProcessRow } from "../protocol/rows.ts";
import { allowedEnvironment, type Environment, processEnvironment } from "./environment.ts";
import { expandHome, nearestFolder } from "./folder.ts";
import type { LoginEnvironment } from "./login-environment.ts";
import { type Book, freshBook, toFacts } from "./record.ts";
import { chooseShell } from "./shell.ts";
import { clampSize } from "./size.ts";

export interface StartProcess {
  /** A caller that derives it gets the same process back when it asks twice. */
  process_id?: string;
  /** Run by the login shell. Give this or `argv`. */
  command?: string;
  /** Run without a shell. */
  argv?: readonly string[];
  mode?: "pipe" | "pty";
  cwd?: string;
  env?: Record<string, string>;
  session_id?: string;
  task_id?: string;
  name?: string;
  rows?: number;
  cols?: number;
  watch_patterns?: readonly string[];
  notify_on_complete?: boolean;
  /** Less than the settings allow; more than they do is brought down to them. */
  limits?: { memory_bytes?: number | undefined; cpus?: number | undefined; pids?: number | undefined } | undefined;
  owner: "agent" | "person";
}

const PTY_SIZE = { rows: 30, cols: 120 };
const MAX_PATTERN_CHARACTERS = 16_384;

/** A command line as a person would type it. */
function shown(argv: readonly string[]): string {
  return argv.map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`)).join(" ");
}

function checkedPatterns(patterns: readonly string[]): string[] {
  const trimmed = patterns.map((pattern) => pattern.replace(/[\r\n]+$/, "")).filter((pattern) => pattern !== "");
  if (trimmed.some((pattern) => /[\r\n]/.test(pattern)))
    throw new HostError("invalid_params", "A watch pattern is matched line by line: give one line of text");
  if (trimmed.reduce((sum, pattern) => sum + pattern.length, 0) > MAX_PATTERN_CHARACTERS)
    throw new HostError("invalid_params", `Watch patterns may have ${MAX_PATTERN_CHARACTERS} characters in all`);
  return [...new Set(trimmed)];
}

interface Place {
  /** Hearth's own environment. */
  base: Environment;
  /** Names the settings pass on. */
  passed: readonly string[];
  defaultCwd: string;
  login: Pick<LoginEnvironment, "get">;
}

export interface Prepared {
  row: ProcessRow;
  book: Book;
  spec: ChildSpec;
}

/** Errors: invalid_params. What could not be had as asked for is said in the row's `notes`. */
export async function prepare(id: string, request: StartProcess, place: Place): Promise<Prepared> {
  if ((request.command === undefined) === (request.argv === undefined))
    throw new HostError("invalid_params", "Give either a command or an argv");
  if (request.argv?.length === 0) throw new HostError("invalid_params", "An argv needs a program to run");
  const watch_patterns = checkedPatterns(request.watch_patterns ?? []);
  const base = allowedEnvironment(place.base, place.passed);
  const notes: string[] = [];
  const cwd = await folderOf(request.cwd, place.defaultCwd, base, notes);
  const { argv, login } = await wordsOf(request, place.login, base, notes);
  const mode = request.mode ?? "pipe";
  const size = mode === "pty" ? clampSize(request.rows ?? PTY_SIZE.rows, request.cols ?? PTY_SIZE.cols) : null;
  const row: ProcessRow = {
    process_id: id,
    session_id: request.session_id ?? null,
    task_id: request.task_id ?? null,
    name: request.name ?? null,
    command: request.command ?? shown(argv),
    argv: request.argv === undefined ? null : [...request.argv],
    cwd,
    notes,
    mode,
    environment: "local",
    environment_kind: "local",
    pid_inside: null,
    best_effort: false,
    origin: null,
    routing: null,
    check_every_s: null,
    limits: null,
    limit_hit: null,
    owner: request.owner,
    status: "running",
    pid: null,
    start_tick: null,
    started_at: Date.now(),
    ended_at: null,
    exit_code: null,
    signal: null,
    completion_reason: null,
    termination_source: null,
    reason: null,
    bytes_at_exit: null,
    closed: false,
    watch_patterns,
    watch_hits: 0,
    notify_on_complete: request.notify_on_complete ?? false,
    recovered: false,
  };
  const book = freshBook(size);
  const added = request.env ?? {};
  const env = processEnvironment({ base: place.base, login, passed: place.passed, added, cwd, pty: size });
  const spec = { id, argv, env, cwd, mode, ...(size ?? {}), ptyFallback: true, facts: toFacts(row, book) };
  return { row, book, spec };
}

async function folderOf(wanted: string | undefined, fallback: string, base: Environment, notes: string[]) {
  if (wanted === undefined) return nearestFolder(fallback);
  const asked = path.resolve(fallback, expandHome(wanted, base.HOME));
  const found = await nearestFolder(asked);
  if (found !== asked) notes.push(`The folder ${asked} is not there: it runs in ${found}.`);
  return found;
}

/** What is executed, and the login environment it gets: a program's PATH comes from the profile just as a command's does. */
async function wordsOf({ command, argv }: StartProcess, profile: Place["login"], base: Environment, notes: string[]) {
  const shell = await chooseShell(base);
  const login = await profile.get(shell, base);
  if (login.problem !== null) notes.push(`It runs without the login profile: ${login.problem}.`);
  return { argv: command === undefined ? [...(argv ?? [])] : [shell, "-c", command], login: login.environment };
}

/** The row once the keeper has confirmed the start. */
export function withLive(row: ProcessRow, child: Child): ProcessRow {
  const { live } = child;
  if (live === undefined) return row;
  const fellBack = live.mode !== row.mode;
  return {
    ...row,
    pid: live.pid,
    start_tick: live.startTick,
    started_at: live.startedAt,
    mode: live.mode,
    notes: fellBack ? [...row.notes, "No pseudo-terminal was to be had: it runs on pipes."] : row.notes,
  };
}
