// For tests: a gateway over a real log, with parts behind it that are as small as a test can have them.
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pino } from "pino";
import { HearthClient } from "../../src/client/client.ts";
import { openGateway } from "../../src/client/node.ts";
import { Gateway, type GatewaySettings } from "../../src/gateway/gateway.ts";
import type {
  AttachmentView,
  ProcessService,
  Services,
  SpoolView,
  TerminalService,
  TurnService,
} from "../../src/gateway/services.ts";
import type { EventLog } from "../../src/log/event-log.ts";
import { openLog } from "../../src/log/open.ts";
import { SizeHistory } from "../../src/processes/size-history.ts";
import { HostError } from "../../src/protocol/errors.ts";
import { HOST_STREAM, type NewEvent, newEvent, sessionStream } from "../../src/protocol/events.ts";
import { newId } from "../../src/protocol/ids.ts";
import type { SessionRow } from "../../src/protocol/rows.ts";

/** Output in memory, with the same answers as one on disk. */
export class MemorySpool implements SpoolView {
  #bytes = Buffer.alloc(0);
  firstKept = 0;
  ended = false;
  /** So many more bytes were told of than can be read, as while a disk is full. */
  ahead = 0;
  readonly #waiting = new Set<() => void>();
  reads = 0;

  get length(): number {
    return this.firstKept + this.#bytes.length + this.ahead;
  }
  push(bytes: Uint8Array | string): void {
    this.#bytes = Buffer.concat([this.#bytes, Buffer.from(bytes)]);
    this.#wake();
  }
  /** Forgets everything before `offset`. */
  drop(offset: number): void {
    this.#bytes = this.#bytes.subarray(offset - this.firstKept);
    this.firstKept = offset;
  }
  end(): void {
    this.ended = true;
    this.#wake();
  }
  async read(from: number, max: number): Promise<{ offset: number; bytes: Buffer }> {
    this.reads++;
    if (from < this.firstKept) throw new HostError("offset_gone", "no longer kept");
    return { offset: from, bytes: this.#bytes.subarray(from - this.firstKept, from - this.firstKept + max) };
  }
  grown(after: number, signal: AbortSignal): Promise<void> {
    if (this.length > after || this.ended || signal.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      this.#waiting.add(resolve);
      signal.addEventListener("abort", () => resolve(), { once: true });
    });
  }
  #wake(): void {
    for (const wake of this.#waiting) wake();
    this.#waiting.clear();
  }
}

type End = Awaited<AttachmentView["ended"]>;

/** A child that a test plays by hand. */
export class FakeChild implements AttachmentView {
  readonly spool = new MemorySpool();
  readonly mode = "pty";
  readonly written: Buffer[] = [];
  readonly #end = Promise.withResolvers<End>();
  readonly ended: Promise<End> = this.#end.promise;
  readonly #listeners = new Set<(rows: number, cols: number) => void>();
  readonly sizes = new SizeHistory([{ offset: 0, rows: 24, cols: 80 }]);
  readonly drawn = null;
  takes = Number.POSITIVE_INFINITY;
  /** Who is told of titles and bells. */
  readonly watchers = new Set<Parameters<TerminalService["watch"]>[1]>();

  size(): { rows: number; cols: number } {
    const { rows, cols } = this.sizes.last;
    return { rows, cols };
  }
  async write(bytes: Uint8Array): Promise<number> {
    if (this.spool.ended) throw new HostError("already_exited", "It has ended.");
    this.written.push(Buffer.from(bytes).subarray(0, this.takes));
    return Math.min(bytes.length, this.takes);
  }
  async resize(rows: unknown, cols: unknown): Promise<{ rows: number; cols: number }> {
    const size = { rows: Number(rows), cols: Number(cols) };
    this.sizes.add({ offset: this.spool.length, ...size });
    for (const listener of this.#listeners) listener(size.rows, size.cols);
    return size;
  }
  onResize(listener: (rows: number, cols: number) => void): Disposable {
    this.#listeners.add(listener);
    return { [Symbol.dispose]: () => void this.#listeners.delete(listener) };
  }
  exit(end: End): void {
    this.#end.resolve(end);
  }
}

export interface TestHost extends AsyncDisposable {
  readonly home: string;
  readonly token: string;
  gateway: Gateway;
  readonly log: EventLog;
  readonly services: Services;
  readonly children: Map<string, FakeChild>;
  /** What was logged, as objects. */
  readonly lines: Record<string, unknown>[];
  readonly stops: boolean[];
  /** Signals of waits that are going on or were. */
  readonly waits: AbortSignal[];
  /** The prompts that were submitted. */
  readonly prompts: { session_id: string; text: string }[];
  client(): HearthClient;
  /** A call over HTTP, with the token. */
  rpc(
    method: string,
    params: unknown,
  ): Promise<{ result?: unknown; error?: { code: number; data: { reason: string } } }>;
  /** Appends to a session. */
  tell(sessionId: string, events: readonly NewEvent[]): Promise<void>;
  /** Ends the gateway and opens another one over the same log. */
  restart(): Promise<void>;
  /** A raw TCP connection to it. */
  dial(): Promise<Socket>;
}

export async function startTestHost(settings: Partial<GatewaySettings> = {}): Promise<TestHost> {
  const home = await mkdtemp(join(tmpdir(), "hearth-gateway-"));
  const log = await openLog({ home });
  const token = randomBytes(32).toString("base64url");
  const lines: Record<string, unknown>[] = [];
  const logger = pino({ level: "debug" }, { write: (line: string) => void lines.push(JSON.parse(line)) });
  const children = new Map<string, FakeChild>();
  const stops: boolean[] = [];
  const waits: AbortSignal[] = [];
  const prompts: TestHost["prompts"] = [];
  const services: Services = {
    log,
    turns: fakeTurns(log, prompts),
    processes: fakeProcesses(children, waits),
    terminals: fakeTerminals(children),
    sandboxes: {
      list: async () => ({ sandboxes: [{ name: "local", kind: "local", about: "here" }], default: "local" }),
    },
    usage: { of: async () => unasked(), top: async () => unasked() },
    models: { resolve: async () => undefined, list: async () => [], help: () => "connect one" },
    config: {
      get: () => ({ model: "offline" }),
      setApprovals: async () => undefined,
      setModel: async () => undefined,
    },
    host: {
      build: "test",
      status: async () => {
        throw new Error("status: a mistake inside the host, with a secret in its message");
      },
      stop: (all) => void stops.push(all),
    },
    tools: new Map([
      ["terminal", { spec: { name: "terminal", description: "Runs.", parameters: { type: "object" } } }],
    ]),
  };
  const open = (port: number) =>
    Gateway.open({
      services,
      settings: { host: "127.0.0.1", allowedHosts: [], maxFrameBytes: 16 * 1024 * 1024, ...settings, port },
      token,
      webRoot: join(home, "web"),
      socketPath: join(home, "host.sock"),
      log: logger,
    });
  const clients = new Set<HearthClient>();
  const host: TestHost = {
    ...{ home, token, log, services, children, lines, stops, waits, prompts },
    gateway: await open(settings.port ?? 0),
    client() {
      const client = new HearthClient({ open: () => openGateway({ url: host.gateway.address.url, token }) });
      clients.add(client);
      return client;
    },
    async rpc(method, params) {
      const answer = await fetch(`${host.gateway.address.url}/api/rpc`, {
        method: "POST",
        headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
        body: JSON.stringify({ jsonrpc: "2.0", id: 1, method, params }),
      });
      return (await answer.json()) as Awaited<ReturnType<TestHost["rpc"]>>;
    },
    async tell(sessionId, events) {
      await log.append(sessionStream(sessionId), events);
    },
    async restart() {
      const { port } = host.gateway.address;
      await host.gateway.close();
      host.gateway = await open(port);
    },
    async dial() {
      const socket = connect(host.gateway.address.port, "127.0.0.1");
      socket.on("error", () => socket.destroy());
      await once(socket, "connect");
      return socket;
    },
    async [Symbol.asyncDispose]() {
      for (const client of clients) client.close();
      try {
        await host.gateway.close();
      } finally {
        // Its thread would keep the test file from ever ending.
        await log[Symbol.asyncDispose]();
        await rm(home, { recursive: true, force: true });
      }
    },
  };
  return host;
}

/** Resolves once `condition` holds; looks again after each turn of the event loop. */
export async function until(condition: () => boolean, what: string): Promise<void> {
  const deadline = performance.now() + 60_000;
  while (!condition()) {
    if (performance.now() > deadline) throw new Error(`never happened: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

/** A session in this workspace has a history that cannot be read. */
export const UNREADABLE = "/unreadable";

function fakeTurns(log: EventLog, prompts: TestHost["prompts"]): TurnService {
  const rows = new Map<string, SessionRow>();
  const streams = new Map<string, { session_id: string; after: number }>();
  const row = (id: string): SessionRow => {
    const found = rows.get(id);
    if (!found) throw new HostError("session_not_found", `There is no session "${id}".`);
    return found;
  };
  return {
    async create({ workspace = "/", title = "", model = null }) {
      const session_id = newId("session");
      const at = Date.now();
      const info = { title, workspace, model, approvals: "ask" } as const;
      const facts = { session_id, ...info, created_at: at, updated_at: at, turn_id: null, queued: 0, pending: 0 };
      rows.set(session_id, facts);
      const [first] = await log.append(sessionStream(session_id), [newEvent("session.info", `${session_id}:c`, info)]);
      const listed = newEvent("session.listed", `${session_id}:l`, { session_id, change: "created" });
      await log.append(HOST_STREAM, [listed]);
      return { session: facts, seq: first?.seq ?? 0 };
    },
    list: () => [...rows.values()],
    row,
    async history({ session_id }) {
      if (row(session_id).workspace === UNREADABLE) throw new HostError("storage_failed", "The disk has failed.");
      const at = { seq: 1, time: 5000, turn_id: "turn_1" };
      const call = { call_id: "call_1", name: "terminal", arguments: { command: "x".repeat(200) } };
      return {
        session_id,
        seq: await log.head(sessionStream(session_id)),
        more: false,
        messages: [
          { ...at, role: "user", text: "hello" },
          { ...at, role: "assistant", text: "", tool_calls: [call] },
          { ...at, role: "tool", text: JSON.stringify({ output: "out" }), call_id: "call_1", name: "terminal" },
        ],
      };
    },
    setTitle: async () => undefined,
    setWorkspace: async (id, workspace) => {
      rows.set(id, { ...row(id), workspace });
      return row(id);
    },
    interrupt: async () => false,
    retire: async () => ({ [Symbol.dispose]: () => undefined }),
    async delete(id) {
      row(id);
      rows.delete(id);
      await log.remove(sessionStream(id));
      return true;
    },
    export: async (_, format) => ({ format, text: "" }),
    pending: async () => [],
    async submit({ session_id, text }) {
      row(session_id);
      prompts.push({ session_id, text });
      const turn_id = newId("turn");
      streams.set(turn_id, { session_id, after: await log.head(sessionStream(session_id)) });
      return { status: "started", stream_id: turn_id, turn_id };
    },
    respond: async (_, choice) => ({ settled: true, choice }),
    answer: async (_, answer) => ({ settled: true, answer }),
    delegated: () => unasked(),
    setModel: async () => undefined,
    setApprovals: async () => undefined,
    onStalled: () => ({ [Symbol.dispose]: () => undefined }),
    usage: () => ({ usage: { input_tokens: 0, output_tokens: 0, cached_tokens: 0 }, turns: 0 }),
    busy: () => 0,
    streamOf: async (id) => streams.get(id),
    cancelTurn: async (id) => streams.has(id),
  };
}

const unasked = (): never => {
  throw new HostError("internal", "no test asks for this");
};

function fakeProcesses(children: Map<string, FakeChild>, waits: AbortSignal[]): ProcessService {
  const child = (id: string): FakeChild => {
    const found = children.get(id);
    if (!found) throw new HostError("process_not_found", `There is no process "${id}".`);
    return found;
  };
  return {
    start: async () => unasked(),
    has: (id) => id.startsWith("proc_") && children.has(id),
    list: async () => [],
    activity: () => ({ active: false, running: 0, running_here: 0 }),
    poll: async () => unasked(),
    log: async () => unasked(),
    /** Waits for ever: until it is cancelled. */
    wait(process_id, { signal }) {
      const { promise, resolve } = Promise.withResolvers<void>();
      if (signal) waits.push(signal);
      signal?.addEventListener("abort", () => resolve());
      const nothing = { exit_code: null, signal: null, completion_reason: null, termination_source: null };
      return promise.then(() => ({ process_id, status: "interrupted", ...nothing, output: "" }));
    },
    kill: async () => unasked(),
    killAll: async () => 0,
    forgetSession: async () => undefined,
    write: async (id, bytes) => child(id).write(bytes),
    submit: async (id, line) => child(id).write(Buffer.from(`${line}\n`)),
    closeInput: async () => undefined,
    resize: async (id, rows, cols) => child(id).resize(rows, cols),
    signal: async () => undefined,
    attach: child,
    running: () => children.size,
  };
}

function fakeTerminals(children: Map<string, FakeChild>): TerminalService {
  const child = (id: string): FakeChild => {
    const found = children.get(id);
    if (!found) throw new HostError("terminal_not_found", `There is no terminal "${id}".`);
    return found;
  };
  return {
    open: async () => unasked(),
    has: (id) => id.startsWith("term_") && children.has(id),
    list: () => [],
    input: async (id, bytes) => child(id).write(bytes),
    resize: async (id, rows, cols) => child(id).resize(rows, cols),
    end: async () => false,
    rename: async () => unasked(),
    inside: async () => [],
    directory: async () => undefined,
    attach: child,
    snapshot: async () => {
      throw new Error("nothing here has a screen");
    },
    watch(id, watcher) {
      const { watchers } = child(id);
      watchers.add(watcher);
      return { [Symbol.dispose]: () => void watchers.delete(watcher) };
    },
    running: () => 0,
  };
}
