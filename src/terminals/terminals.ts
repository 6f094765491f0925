// Every terminal there is: one per session and name, living longer than any host or viewer.
import { realpath } from "node:fs/promises";
import path from "node:path";
import type { Adopted, Child, Keepers } from "../keeper/keepers.ts";
import { within } from "../keeper/patience.ts";
import { type LimitSettings, type Limits, NOTHING_LIMITED } from "../limits/limits.ts";
import type { EventLog } from "../log/event-log.ts";
import type { Attachment, Drawn } from "../processes/attachment.ts";
import { allowedEnvironment, type Environment } from "../processes/environment.ts";
import { expandHome, isFolder } from "../processes/folder.ts";
import { chooseShell, interactive } from "../processes/shell.ts";
import { clampSize, type Size } from "../processes/size.ts";
import type { SizeMark } from "../processes/size-history.ts";
import type { Running } from "../processes/usage/usage.ts";
import { HostError, Stopping } from "../protocol/errors.ts";
import { newId } from "../protocol/ids.ts";
import type { Result } from "../protocol/methods.ts";
import type { TerminalRow } from "../protocol/rows.ts";
import type { Sign, Snapshot } from "./screen/messages.ts";
import { Screens } from "./screen/screens.ts";
import { type Surroundings, Terminal } from "./terminal.ts";
import { fromFacts, parseRow, parseSizes, TerminalRecorder, toFacts, VIEW } from "./terminal-record.ts";

export interface TerminalSettings {
  spoolBytes: number;
  passEnvironment: readonly string[];
  limits?: LimitSettings;
}

export interface OpenTerminal {
  session_id: string;
  name?: string;
  /** Where a new one begins. A living one in another workspace is replaced, unless `anywhere`. */
  workspace: string;
  /** Nobody asked for this workspace: a living one is meant wherever it is. */
  anywhere?: boolean;
  /** Anything: clamped, and garbage is 24 × 80. */
  rows?: unknown;
  cols?: unknown;
  restart?: boolean;
}

interface Options {
  keepers: Keepers;
  log: EventLog;
  /** All that the keepers found; those of other parts are passed over. */
  adopted: readonly Adopted[];
  /** Hearth's own environment. Only an allow-list of it reaches a shell. */
  baseEnvironment: Environment;
  settings: () => TerminalSettings;
  /** Where shells are limited; without it, nowhere. */
  limits?: Limits;
  onWarning: (text: string) => void;
}

const PREFIX = "term_";
const DEFAULT_NAME = "main";
const MAX_RUNNING = 256;
/** Ended terminals stay readable until they are replaced or closed, but not more of them than this: the oldest go. */
const KEEP_ENDED = 200;
/** Viewers of a terminal that was closed may read its last bytes for this long. */
const LINGER_MS = 10_000;
/** How long a new host waits until the ends of those that ended meanwhile are recorded, before it serves. */
const RECOVER_MS = 3_000;

export class TerminalNotFound extends HostError {
  constructor(id: string) {
    super("terminal_not_found", `There is no terminal "${id}": terminal.open opens one`);
  }
}

const keyOf = (sessionId: string, name: string): string => JSON.stringify([sessionId, name]);

/** What a shell gets to see (T3). */
export function terminalEnvironment(o: {
  base: Environment;
  passed: readonly string[];
  folder: string;
  shell: string;
}): Record<string, string> {
  return {
    ...allowedEnvironment(o.base, o.passed),
    TERM: "xterm-256color",
    COLORTERM: "truecolor",
    // No COLUMNS and LINES (T3 names them): ncurses believes them more than its terminal, so a running htop or less would
    // never follow a resize (T4). The terminal knows its size, and interactive shells set both for themselves.
    PWD: o.folder,
    SHELL: o.shell,
    HEARTH_TERMINAL: "1",
  };
}

export class Terminals implements AsyncDisposable {
  readonly #o: Options;
  readonly #recorder: TerminalRecorder;
  readonly #screens: Screens;
  readonly #known = new Map<string, Terminal>();
  /** The terminal that a session and name mean now. */
  readonly #byKey = new Map<string, Terminal>();
  /** Opens and closes of one name happen one after the other. */
  readonly #turns = new Map<string, Promise<unknown>>();
  readonly #lingering = new Map<string, NodeJS.Timeout>();
  readonly #leaving = new AbortController();

  private constructor(o: Options) {
    this.#o = o;
    this.#recorder = new TerminalRecorder(o.log);
    this.#screens = new Screens({ onWarning: o.onWarning });
  }

  /** Takes over the shells that earlier hosts have started. */
  static async open(o: Options): Promise<Terminals> {
    const terminals = new Terminals(o);
    await terminals.#recover();
    return terminals;
  }

  get #around(): Surroundings {
    return {
      recorder: this.#recorder,
      onWarning: this.#o.onWarning,
      leaving: this.#leaving.signal,
      onEnded: () => this.#forgetOld(),
    };
  }

  /**
   * The living terminal of this session and name, resized; or a new one. With `restart`, or asked for in another
   * workspace, the old shell is gone before the new one starts. Errors: invalid_params, workspace_invalid, failed_start, start_timeout,
   * pty_limit, stopping.
   */
  async open(p: OpenTerminal): Promise<Result<"terminal.open">> {
    if (p.session_id.trim() === "")
      throw new HostError("invalid_params", "A terminal belongs to a session: give its id");
    const name = p.name ?? DEFAULT_NAME;
    const asked = p.anywhere === true ? undefined : await this.#workspace(p.workspace);
    return this.#inTurn(keyOf(p.session_id, name), async () => {
      if (this.#leaving.signal.aborted) throw new Stopping();
      const old = this.#byKey.get(keyOf(p.session_id, name));
      const wanted =
        old?.running === true && p.restart !== true && (asked === undefined || old.row.workspace === asked);
      if (wanted && (await this.#fitted(old, p))) return { ...old.row, existed: true };
      const workspace = asked ?? (await this.#workspace(p.workspace));
      if (old !== undefined) await this.#retire(old, "replaced");
      const size = clampSize(p.rows, p.cols);
      const title = old?.row.title ?? null;
      return { ...(await this.#start({ session_id: p.session_id, name, title, workspace, size })), existed: false };
    });
  }

  /** Gives it the size asked for, if any. False: its shell has just ended. */
  async #fitted(terminal: Terminal, { rows, cols }: OpenTerminal): Promise<boolean> {
    if (!terminal.living) return false;
    try {
      if (rows !== undefined || cols !== undefined) await terminal.resize(rows, cols);
      return true;
    } catch (error) {
      if (error instanceof HostError && error.reason === "not_running") return false;
      throw error;
    }
  }

  async #workspace(wanted: string): Promise<string> {
    const folder = path.resolve(expandHome(wanted, this.#o.baseEnvironment.HOME));
    if (wanted.trim() === "" || !(await isFolder(folder)))
      throw new HostError("workspace_invalid", `The workspace "${wanted}" is not a folder: choose one that is`);
    return realpath(folder);
  }

  async #inTurn<T>(key: string, work: () => Promise<T>): Promise<T> {
    const before = this.#turns.get(key) ?? Promise.resolve();
    const mine = before.then(work, work);
    const settled = mine.catch(() => undefined);
    this.#turns.set(key, settled);
    try {
      return await mine;
    } finally {
      if (this.#turns.get(key) === settled) this.#turns.delete(key);
    }
  }

  async #start(
    o: Pick<TerminalRow, "session_id" | "name" | "title" | "workspace"> & { size: Size },
  ): Promise<TerminalRow> {
    if (this.running() >= MAX_RUNNING)
      throw new HostError("pty_limit", `${MAX_RUNNING} terminals are open: close some`);
    const { spoolBytes, passEnvironment, limits = NOTHING_LIMITED } = this.#o.settings();
    const id = newId("terminal");
    const limited = await this.#o.limits?.prepare({ id, session_id: o.session_id }, limits);
    const shell = await chooseShell(allowedEnvironment(this.#o.baseEnvironment, passEnvironment));
    const row: TerminalRow = {
      terminal_id: id,
      session_id: o.session_id,
      name: o.name,
      title: o.title,
      workspace: o.workspace,
      shell,
      ...o.size,
      status: "running",
      pid: null,
      exit_code: null,
      signal: null,
      started_at: Date.now(),
      ended_at: null,
      recovered: false,
    };
    const base = this.#o.baseEnvironment;
    const child = await this.#o.keepers
      .start({
        id,
        argv: interactive(shell),
        env: terminalEnvironment({ base, passed: passEnvironment, folder: o.workspace, shell }),
        cwd: o.workspace,
        mode: "pty",
        ...o.size,
        quotaBytes: spoolBytes,
        ...(limited === undefined ? {} : { groups: limited.groups, groupsRequired: limited.required }),
        facts: toFacts(row),
      })
      .catch(async (error: unknown) => {
        this.#o.limits?.release(limited?.groups ?? []);
        await this.#forgetFiles(id);
        throw error;
      });
    this.#releaseWhenClosed(child);
    const terminal = new Terminal(withLive(row, child), child, this.#around);
    try {
      await this.#recorder.opened(terminal.row, terminal.sizes);
    } catch (error) {
      // Nobody would ever know of it: it must not live.
      await terminal.destroy();
      await this.#forgetFiles(id);
      throw error;
    }
    this.#add(terminal);
    return terminal.row;
  }

  #releaseWhenClosed(child: Child): void {
    void child.closed.then(() => this.#o.limits?.release(child.spec.groups ?? []));
  }

  #add(terminal: Terminal): void {
    this.#known.set(terminal.id, terminal);
    const key = keyOf(terminal.row.session_id, terminal.row.name);
    const other = this.#byKey.get(key);
    if (other === undefined || !other.running) this.#byKey.set(key, terminal);
    terminal.supervise();
    if (terminal.running && terminal.drawn !== null) this.#screens.follow(terminal.drawn);
  }

  /** Ends it if it runs, and takes it out of the lists. */
  async #retire(terminal: Terminal, cause: "closed" | "replaced"): Promise<void> {
    const ran = terminal.running;
    await terminal.end(cause);
    this.#drop(terminal);
    // Of a replaced one the event of its successor tells.
    if (!ran) await (cause === "closed" ? this.#recorder.putAway(terminal.row) : this.#recorder.forget(terminal.row));
    const timer = setTimeout(() => {
      this.#lingering.delete(terminal.id);
      void this.#forgetFiles(terminal.id);
    }, LINGER_MS);
    timer.unref();
    this.#lingering.set(terminal.id, timer);
  }

  #drop(terminal: Terminal): void {
    this.#known.delete(terminal.id);
    const key = keyOf(terminal.row.session_id, terminal.row.name);
    if (this.#byKey.get(key) === terminal) this.#byKey.delete(key);
  }

  async #forgetFiles(id: string): Promise<void> {
    this.#screens.forget(id);
    await this.#o.keepers.forget(id).catch((error: unknown) => {
      this.#o.onWarning(`the files of terminal ${id} could not be removed: ${String(error)}`);
    });
  }

  #forgetOld(): void {
    const ended = [...this.#known.values()].filter((terminal) => !terminal.running);
    if (ended.length <= KEEP_ENDED) return;
    const newestFirst = ended.sort((a, b) => (b.row.ended_at ?? 0) - (a.row.ended_at ?? 0));
    for (const terminal of newestFirst.slice(KEEP_ENDED)) {
      this.#drop(terminal);
      this.#recorder
        .putAway(terminal.row)
        .then(() => this.#forgetFiles(terminal.id))
        .catch((error: unknown) => this.#o.onWarning(`terminal ${terminal.id}: ${String(error)}`));
    }
  }

  async #recover(): Promise<void> {
    const stored = new Map<string, TerminalRow>();
    const sizes = new Map<string, readonly SizeMark[]>();
    for (const [id, value] of await this.#o.log.views(VIEW)) {
      const row = parseRow(value);
      if (row === null) this.#o.onWarning(`The stored row of terminal ${id} is not readable and is passed over`);
      else stored.set(id, row);
      sizes.set(id, parseSizes(value));
    }
    const ends: { recorded: Promise<unknown> | undefined }[] = [];
    for (const one of this.#o.adopted) {
      const id = "child" in one ? one.child.id : one.id;
      if (!id.startsWith(PREFIX)) continue;
      if (one.state === "torn") this.#o.onWarning(`The files of terminal ${id} are passed over: ${one.warning}`);
      else if (one.state === "failed_start") await this.#forgetFiles(id);
      else {
        ends.push(await this.#recoverChild(one.child, stored.get(id) ?? null, sizes.get(id)));
        stored.delete(id);
      }
    }
    for (const row of stored.values()) await this.#recoverRow(row);
    // On a full disk they are told when there is room: nobody waits for that.
    await within(RECOVER_MS, Promise.all(ends.map(({ recorded }) => recorded)), { ref: false });
    this.#forgetOld();
  }

  /** Answers with a promise to wait for: its end, if it has ended meanwhile. */
  async #recoverChild(
    child: Child,
    stored: TerminalRow | null,
    sizes: readonly SizeMark[] | undefined,
  ): Promise<{ recorded: Promise<unknown> | undefined }> {
    this.#o.limits?.adopt(child.spec.groups ?? []);
    this.#releaseWhenClosed(child);
    const row = stored ?? withFacts(child);
    // Without a row it was closed already, or nobody was ever told of it.
    if (row === null || (stored === null && child.end !== undefined)) {
      await this.#forgetFiles(child.id);
      return { recorded: undefined };
    }
    const running = row.status === "running";
    const terminal = new Terminal(running ? { ...row, recovered: true } : row, child, this.#around, sizes);
    if (running) await this.#recorder.opened(terminal.row, terminal.sizes);
    this.#add(terminal);
    return { recorded: running && child.end !== undefined ? terminal.ended : undefined };
  }

  async #recoverRow(stored: TerminalRow): Promise<void> {
    const row: TerminalRow = stored.status === "running" ? { ...stored, status: "lost", ended_at: Date.now() } : stored;
    if (row !== stored) await this.#recorder.ended(row, "lost", []);
    this.#add(new Terminal(row, null, this.#around));
  }

  #find(id: string): Terminal {
    const terminal = this.#known.get(id);
    if (terminal === undefined) throw new TerminalNotFound(id);
    return terminal;
  }

  get(id: string): TerminalRow {
    return this.#find(id).row;
  }
  has(id: string): boolean {
    return this.#known.has(id);
  }
  list(filter: { session_id?: string }): TerminalRow[] {
    return [...this.#known.values()]
      .map((terminal) => terminal.row)
      .filter((row) => filter.session_id === undefined || row.session_id === filter.session_id)
      .sort((a, b) => a.started_at - b.started_at);
  }
  /** Those that run, for those who measure them. */
  measured(): Running[] {
    return [...this.#known.values()].filter((terminal) => terminal.running).map((terminal) => terminal.measured);
  }
  /** How many shells run now. */
  running(): number {
    return this.#known.values().reduce((count, terminal) => count + (terminal.running ? 1 : 0), 0);
  }

  /** Bytes taken, unchanged. Errors: terminal_not_found, not_running. */
  async input(id: string, bytes: Uint8Array): Promise<number> {
    return this.#find(id).input(bytes);
  }
  async resize(id: string, rows: unknown, cols: unknown): Promise<{ rows: number; cols: number }> {
    return this.#find(id).resize(rows, cols);
  }

  /** What a person calls it; empty: its name again. */
  async rename(id: string, title: string): Promise<TerminalRow> {
    const terminal = this.#find(id);
    const text = title.trim();
    // A row that is written after it was closed would bring it back.
    return this.#inTurn(keyOf(terminal.row.session_id, terminal.row.name), () =>
      this.#find(id).rename(text === "" ? null : text),
    );
  }
  /** What runs in it beside its shell, as far as the system tells. */
  async inside(id: string): Promise<{ pid: number; command: string }[]> {
    return this.#find(id).inside();
  }
  /** Where its shell, or what is in the foreground there, is; undefined where that cannot be told. */
  async directory(id: string): Promise<string | undefined> {
    return this.#find(id).directory();
  }

  /** Ends it and takes it out of the lists; false if there is none. */
  async end(id: string): Promise<boolean> {
    const terminal = this.#known.get(id);
    if (terminal === undefined) return false;
    return this.#inTurn(keyOf(terminal.row.session_id, terminal.row.name), async () => {
      if (!this.#known.has(id)) return false;
      await this.#retire(terminal, "closed");
      return true;
    });
  }

  /** Ends all that run; answers how many. */
  async endAll(): Promise<number> {
    const running = [...this.#known.values()].filter((terminal) => terminal.running);
    const ended = await Promise.all(running.map((terminal) => this.end(terminal.id)));
    return ended.filter(Boolean).length;
  }

  attach(id: string): Attachment {
    return this.#find(id).attach();
  }

  /**
   * The screen of a terminal, or of a process that has one: as the frame its viewer gets, and the offset at which its
   * bytes go on. `budget`: characters of scrollback at most. Rejects if it cannot be had soon.
   */
  snapshot(drawn: Drawn, budget: number): Promise<Snapshot> {
    return this.#screens.snapshot(drawn, budget);
  }

  /**
   * Calls `watcher` when the program of a running terminal has set another title or rung, at most 4 times a second. Nothing
   * is told of processes: their screens are drawn when somebody looks.
   */
  watch(id: string, watcher: (sign: Sign) => void): Disposable {
    const running = this.#known.get(id)?.running === true;
    return running ? this.#screens.watch(id, watcher) : { [Symbol.dispose]: () => undefined };
  }

  /** What it was drawn for is not remembered any more. */
  forgetScreen(id: string): void {
    this.#screens.forget(id);
  }

  /** Lets go of all terminals; the shells live on. */
  async close(): Promise<void> {
    this.#leaving.abort();
    await this.#screens.close();
    await Promise.allSettled(this.#turns.values());
    const lingering = [...this.#lingering];
    this.#lingering.clear();
    for (const [id, timer] of lingering) {
      clearTimeout(timer);
      await this.#forgetFiles(id);
    }
    await Promise.all([...this.#known.values()].map((terminal) => terminal.leave()));
  }
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

function withLive(row: TerminalRow, child: Child): TerminalRow {
  const { live } = child;
  return live === undefined ? row : { ...row, pid: live.pid, started_at: live.startedAt };
}

function withFacts(child: Child): TerminalRow | null {
  const row = fromFacts(child.spec.facts);
  return row === null ? null : withLive(row, child);
}
