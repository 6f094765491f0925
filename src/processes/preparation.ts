// From a request to what the keeper is told: words, folder, environment, size; and the row that will stand for it.
import path from "node:path";
import type { Child, ChildSpec } from "../keeper/keepers.ts";
import { HostError } from "../protocol/errors.ts";
import type { ProcessRow, Routing } from "../protocol/rows.ts";
import type { WatchPattern } from "../protocol/watch-pattern.ts";
import { checkRegexes } from "../regex/engine.ts";
import type { Redactor } from "../secrets/redactor.ts";
import { allowedEnvironment, type Environment, processEnvironment } from "./environment.ts";
import { expandHome, nearestFolder } from "./folder.ts";
import type { LoginEnvironment } from "./login-environment.ts";
import { environmentInside, folderAsked, type Placed } from "./placement.ts";
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
  watch_patterns?: readonly WatchPattern[];
  notify_on_complete?: boolean;
  /** Handed back with every notice. */
  routing?: Routing;
  /** Seconds between two periodic checks. */
  check_every_s?: number;
  /** The agent's call that starts it. */
  origin?: { turn_id: string; call_id: string };
  /** Less than the settings allow; more than they do is brought down to them. */
  limits?: { memory_bytes?: number | undefined; cpus?: number | undefined; pids?: number | undefined } | undefined;
  /** The sandbox it runs in; without one, on this machine as it is. */
  sandbox?: string;
  /** What it may write to in its sandbox; default where it runs. */
  workspace?: string;
  owner: "agent" | "person";
}

const PTY_SIZE = { rows: 30, cols: 120 };
const MAX_PATTERN_CHARACTERS = 16_384;

/** A command line as a person would type it. */
function shown(argv: readonly string[]): string {
  return argv.map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`)).join(" ");
}

function checkedPatterns(patterns: readonly WatchPattern[]): WatchPattern[] {
  const whole = patterns
    .map((one) => (typeof one === "string" ? one.replace(/[\r\n]+$/, "") : one))
    .filter((one) => one !== "");
  if (whole.some((one) => typeof one === "string" && /[\r\n]/.test(one)))
    throw new HostError("invalid_params", "A watch pattern is matched line by line: give one line of text");
  const length = whole.reduce((sum, one) => sum + (typeof one === "string" ? one : one.regex).length, 0);
  if (length > MAX_PATTERN_CHARACTERS)
    throw new HostError("invalid_params", `Watch patterns may have ${MAX_PATTERN_CHARACTERS} characters in all`);
  checkRegexes(whole.filter((one) => typeof one !== "string"));
  return [...new Map(whole.map((one) => [JSON.stringify(one), one])).values()];
}

interface Place {
  /** Hearth's own environment. */
  base: Environment;
  /** Names the settings pass on. */
  passed: readonly string[];
  defaultCwd: string;
  login: Pick<LoginEnvironment, "get">;
  placed: Placed | null;
  redactor: Redactor;
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
  const { placed } = place;
  const cwd =
    placed === null
      ? await folderOf(request.cwd, place.defaultCwd, base, notes)
      : folderAsked(request.cwd, place.defaultCwd, base.HOME);
  const { argv, login } = await wordsOf(request, place, base, notes);
  const mode = request.mode ?? "pipe";
  const size = mode === "pty" ? clampSize(request.rows ?? PTY_SIZE.rows, request.cols ?? PTY_SIZE.cols) : null;
  const added = request.env ?? {};
  const env =
    placed === null
      ? processEnvironment({ base: place.base, login, passed: place.passed, added, cwd, pty: mode === "pty" })
      : environmentInside({ placed, base: { ...place.base, ...base }, login, added, pty: mode === "pty" });
  const { redactor } = place;
  redactor.learnEnvironment(env);
  // A pattern is kept, shown and told as it is.
  if (redactor.value(watch_patterns) !== watch_patterns)
    throw new HostError(
      "invalid_params",
      "A watch pattern holds a secret, which would be kept: watch for another text",
    );
  const row: ProcessRow = {
    process_id: id,
    session_id: request.session_id ?? null,
    task_id: request.task_id ?? null,
    name: request.name === undefined ? null : redactor.text(request.name),
    // What runs is in the spec alone: this is what lists, events and models are told.
    command: redactor.text(request.command ?? shown(argv)),
    argv: request.argv === undefined ? null : redactor.words(request.argv),
    cwd,
    notes: notes.map((note) => redactor.text(note)),
    mode,
    environment: placed?.name ?? "local",
    environment_kind: placed?.sandbox.kind ?? "local",
    pid_inside: null,
    best_effort: false,
    origin: request.origin ?? null,
    routing: request.routing === undefined ? null : redactor.value(request.routing),
    check_every_s: request.session_id === undefined ? null : (request.check_every_s ?? null),
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
    drain_overdue: false,
    watch_patterns,
    watch_hits: 0,
    notify_on_complete: request.notify_on_complete ?? false,
    recovered: false,
    foreign: false,
  };
  const book = freshBook(size);
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
async function wordsOf(
  { command, argv }: StartProcess,
  { login: profile, placed }: Place,
  base: Environment,
  notes: string[],
) {
  const words = (shell: readonly string[]) => (command === undefined ? [...(argv ?? [])] : [...shell, command]);
  const far = placed !== null && !placed.sandbox.sameSystem ? placed : null;
  if (far !== null && far.passes.length === 0) return { argv: words(far.sandbox.shell), login: null };
  const shell = await chooseShell(base);
  const login = await profile.get(shell, base);
  if (login.problem !== null) notes.push(`It runs without the login profile: ${login.problem}.`);
  return { argv: words(far?.sandbox.shell ?? [shell, "-c"]), login: login.environment };
}

/** The row once the keeper has confirmed the start. */
export function withLive(row: ProcessRow, child: Child): ProcessRow {
  const { live } = child;
  if (live === undefined) return row;
  const fellBack = live.mode !== row.mode;
  return {
    ...row,
    pid: live.pid,
    pid_inside: live.pidInside ?? null,
    best_effort: row.best_effort || live.bestEffort,
    start_tick: live.startTick,
    started_at: live.startedAt,
    mode: live.mode,
    notes: fellBack ? [...row.notes, "No pseudo-terminal was to be had: it runs on pipes."] : row.notes,
  };
}
