// Every gateway method: parameters and result, once. Server, clients, tests and documentation read this table.
import * as z from "zod";
import { Delegation } from "./delegation.ts";
import { ApprovalChoice, PromptMode, Usage } from "./events.ts";
import { Id } from "./ids.ts";
import {
  ApprovalMode,
  ProcessMode,
  ProcessRow,
  ProcessStatus,
  Routing,
  SessionRow,
  ShareRow,
  SignalName,
  TerminalRow,
  Time,
} from "./rows.ts";
import { WatchPattern } from "./watch-pattern.ts";

/** Who may call: `any` authenticated client, or only one on the host's own Unix socket (`local`). */
type Door = "any" | "local";
const method = <P extends z.ZodType, R extends z.ZodType>(about: string, params: P, result: R, door: Door = "any") => ({
  about,
  params,
  result,
  door,
});

const session = { session_id: Id };
const process = { process_id: Id };
const terminal = { terminal_id: Id };
const Workspace = z.string().min(1).max(4096);
const Rows = z.number();
const Cols = z.number();

/** A finished entry of a conversation, as `session.history` and exports show it. */
export const HistoryMessage = z.object({
  seq: z.number().int(),
  time: Time,
  turn_id: z.string(),
  role: z.enum(["user", "assistant", "tool", "notice"]),
  text: z.string(),
  message_id: z.string().optional(),
  reasoning: z.string().optional(),
  tool_calls: z
    .array(z.object({ call_id: z.string(), name: z.string(), arguments: z.record(z.string(), z.unknown()) }))
    .optional(),
  call_id: z.string().optional(),
  name: z.string().optional(),
  status: z.string().optional(),
  attachments: z.array(z.unknown()).optional(),
  /** True if it was cut short by a cancel or a crash. */
  cut: z.boolean().optional(),
});
export type HistoryMessage = z.infer<typeof HistoryMessage>;

/** A request that waits for a person. */
export const PendingRequest = z.object({
  kind: z.enum(["approval", "clarify"]),
  request_id: z.string(),
  call_id: z.string(),
  turn_id: z.string(),
  text: z.string(),
  choices: z.array(z.string()),
});

export type PendingRequest = z.infer<typeof PendingRequest>;

export const ModelRow = z.object({
  /** What `model.set` and a prompt's `model` take: `offline`, `anthropic/NAME`, `PROVIDER/NAME`. */
  model: z.string(),
  provider: z.string(),
  /** False where something is missing (a key, say); `note` says what. */
  ready: z.boolean(),
  note: z.string().optional(),
});

export type ModelRow = z.infer<typeof ModelRow>;

/** What one process and all it started use. Null where that is not known, and `reason` says why. */
export const ProcessUsage = z.object({
  process_id: z.string(),
  reason: z.string().nullable(),
  /** Processors' worth of time: 1.5 is one and a half. Null in the first sample. */
  cpu: z.number().nullable(),
  memory_bytes: z.number().nullable(),
  processes: z.number().int().nullable(),
  threads: z.number().int().nullable(),
  listening: z.array(z.object({ address: z.string(), port: z.number().int() })),
});

const TreeMember = z.object({
  pid: z.number().int(),
  parent: z.number().int(),
  name: z.string(),
  state: z.string(),
  cpu: z.number().nullable(),
  memory_bytes: z.number(),
  threads: z.number().int(),
});

export const methods = {
  "session.create": method(
    "Starts a conversation and subscribes the connection to its events.",
    z.object({ workspace: Workspace.optional(), title: z.string().max(200).optional(), model: z.string().optional() }),
    z.object({ ...session, session: SessionRow, seq: z.number().int() }),
  ),
  "session.list": method(
    "All conversations, the most recently used first.",
    z.object({ limit: z.number().int().min(1).max(1000).optional() }),
    z.object({ sessions: z.array(SessionRow) }),
  ),
  "session.resume": method(
    "Subscribes the connection to a session: every event after `after`, then live. Without `after`: live only.",
    z.object({ ...session, after: z.number().int().min(0).optional() }),
    z.object({ ...session, session: SessionRow, seq: z.number().int(), pending: z.array(PendingRequest) }),
  ),
  "session.history": method(
    "The finished messages of a conversation.",
    z.object({
      ...session,
      after: z.number().int().min(0).optional(),
      limit: z.number().int().min(1).max(1000).optional(),
    }),
    z.object({ ...session, messages: z.array(HistoryMessage), seq: z.number().int(), more: z.boolean() }),
  ),
  "session.title": method(
    "Renames a conversation.",
    z.object({ ...session, title: z.string().min(1).max(200) }),
    z.object({ session: SessionRow }),
  ),
  "session.workspace": method(
    "Changes the directory a conversation works in, from its next turn on.",
    z.object({ ...session, workspace: Workspace }),
    z.object({ session: SessionRow }),
  ),
  "session.interrupt": method(
    "Cancels the running turn; answers false if none runs.",
    z.object({ ...session, turn_id: Id.optional() }),
    z.object({ interrupted: z.boolean() }),
  ),
  "session.close": method(
    "Ends this connection's subscription; the session lives on.",
    z.object(session),
    z.object({ closed: z.boolean() }),
  ),
  "session.delete": method(
    "Deletes a conversation, its history for good. Refused while something runs in it, unless `end` ends all that first.",
    z.object({ ...session, end: z.boolean().optional() }),
    z.object({ deleted: z.boolean() }),
  ),
  "session.export": method(
    "A whole conversation as JSON or Markdown text.",
    z.object({ ...session, format: z.enum(["json", "markdown"]).optional() }),
    z.object({ format: z.string(), text: z.string() }),
  ),

  "prompt.submit": method(
    "Gives the agent a person's words. While a turn runs they queue, steer it, or interrupt it, as `mode` says.",
    z.object({
      ...session,
      text: z.string().min(1).max(1_000_000),
      workspace: Workspace.optional(),
      model: z.string().optional(),
      mode: PromptMode.optional(),
      key: z.string().max(200).optional(),
      attachments: z.array(z.unknown()).max(100).optional(),
      routing: Routing.optional(),
    }),
    z.object({ status: z.enum(["started", "queued", "steered"]), stream_id: z.string(), turn_id: z.string() }),
  ),
  "approval.respond": method(
    "Answers a request for approval. The first answer counts.",
    z.object({ request_id: Id, choice: ApprovalChoice }),
    z.object({ settled: z.boolean(), choice: z.string() }),
  ),
  "clarify.respond": method(
    "Answers a question of the agent. The first answer counts.",
    z.object({ request_id: Id, answer: z.string().max(100_000) }),
    z.object({ settled: z.boolean(), answer: z.string().nullable() }),
  ),

  "delegation.complete": method(
    "Tells a session's agent that work it had handed out is over: one notice, which wakes it. The same `delegation_id` told twice is told once, as it was first. A result is `{ task?, status: 'done' | 'failed' | 'cancelled', summary, duration_s? }`; of `started_at` (ms) and `duration_s` at least one is needed.",
    Delegation,
    z.object({ notice_id: z.string() }),
  ),

  "process.start": method(
    "Starts a background process: `command` through the login shell, or `argv` without one.",
    z
      .object({
        command: z.string().min(1).max(100_000).optional(),
        argv: z.array(z.string().max(100_000)).min(1).max(10_000).optional(),
        mode: ProcessMode.optional(),
        cwd: z.string().max(4096).optional(),
        env: z.record(z.string().regex(/^[^=\0]+$/), z.string()).optional(),
        session_id: Id.optional(),
        task_id: Id.optional(),
        name: z.string().max(200).optional(),
        rows: Rows.optional(),
        cols: Cols.optional(),
        /** A text, or `{regex}` for whole lines on a linear-time engine; both meet what a person sees, without colours. */
        watch_patterns: z.array(WatchPattern).max(50).optional(),
        notify_on_complete: z.boolean().optional(),
        /** At most what the settings allow. */
        limits: z
          .object({
            memory_bytes: z
              .number()
              .int()
              .min(2 ** 20)
              .optional(),
            // What the kernel refuses would cost all the other limits too.
            cpus: z.number().min(0.01).max(4_096).optional(),
            pids: z.number().int().min(1).max(4_194_304).optional(),
          })
          .optional(),
        /** Handed back with every notice. */
        routing: Routing.optional(),
        /** Seconds between two looks that tell the session's agent how it stands. */
        check_every_s: z.number().min(10).max(86_400).optional(),
        /** A name of `sandbox.list`; `local` is none. */
        sandbox: z.string().max(100).optional(),
      })
      .refine((p) => (p.command === undefined) !== (p.argv === undefined), {
        error: "give either command or argv",
        path: ["command"],
      }),
    ProcessRow,
  ),
  "sandbox.list": method(
    "Where processes can run: `local` is this machine itself, the others are those of the settings. `default` is where the agent's commands run.",
    z.object({}),
    z.object({
      sandboxes: z.array(z.object({ name: z.string(), kind: z.string(), about: z.string() })),
      default: z.string(),
    }),
  ),
  "process.list": method(
    "Processes, the newest first; with `session_id` only that session's, with `terminals` also the shells of terminals.",
    z.object({ session_id: Id.optional(), task_id: Id.optional(), terminals: z.boolean().optional() }),
    z.object({
      processes: z.array(ProcessRow.extend({ uptime_s: z.number(), tail: z.string(), session_scoped: z.boolean() })),
    }),
  ),
  "process.activity": method(
    "What still goes on: of all, a task, a session (only processes younger than `max_age_h`, 24 unless the settings say otherwise: a forgotten server holds nothing open), or whether a process is still to be waited for.",
    z.object({
      session_id: Id.optional(),
      task_id: Id.optional(),
      process_id: Id.optional(),
      max_age_h: z.number().min(0).max(100_000).optional(),
    }),
    z.object({
      /** Something of what was asked for is active. */
      active: z.boolean(),
      /** Processes that run, of all. */
      running: z.number().int(),
      /** Those of the session or task that run, whatever their age; of all without one. */
      running_here: z.number().int(),
      /** With `process_id`: false once it has ended, once its watch pattern has hit, and if there is none. */
      wait: z.boolean().optional(),
    }),
  ),
  "process.poll": method(
    "How a process stands, with the last 1,000 characters of its output.",
    z.object(process),
    ProcessRow.extend({ uptime_s: z.number(), output: z.string(), detached: z.boolean() }),
  ),
  "process.log": method(
    "Lines of output. `offset` 0 (or none) means the last `limit` lines, else the 1-based first line.",
    z.object({
      ...process,
      offset: z.number().int().min(0).optional(),
      limit: z.number().int().min(1).max(5000).optional(),
    }),
    z.object({
      ...process,
      status: ProcessStatus,
      output: z.string(),
      total_lines: z.number().int(),
      showing: z.string(),
    }),
  ),
  "process.wait": method(
    "Waits for the end of a process, at most `timeout` seconds.",
    z.object({ ...process, timeout: z.number().min(0).optional() }),
    z.object({
      ...process,
      status: z.enum(["exited", "timeout", "interrupted"]),
      exit_code: z.number().int().nullable(),
      signal: z.string().nullable(),
      completion_reason: z.string().nullable(),
      termination_source: z.string().nullable(),
      output: z.string(),
      note: z.string().optional(),
    }),
  ),
  "process.kill": method(
    "Ends a process and everything it started: TERM, a grace in seconds, then KILL. With a grace of 0 no KILL follows: `running` is what does not go. A terminal, by its id, is closed.",
    z.object({ ...process, grace: z.number().min(0).max(60).optional() }),
    z.object({ ...process, status: z.enum(["killed", "already_exited", "running"]), process: ProcessRow }),
  ),
  "process.kill_all": method(
    "Ends all processes, or those of one session or task.",
    z.object({ session_id: Id.optional(), task_id: Id.optional() }),
    z.object({ killed: z.number().int() }),
  ),
  "process.write": method(
    "Sends text, or bytes as base64, to standard input.",
    z.object({ ...process, data: z.union([z.string(), z.object({ base64: z.base64() })]) }),
    z.object({ bytes: z.number().int() }),
  ),
  "process.submit": method(
    "Sends a line to standard input.",
    z.object({ ...process, data: z.string().optional() }),
    z.object({ bytes: z.number().int() }),
  ),
  "process.close": method(
    "Ends standard input (Ctrl-D in a PTY).",
    z.object(process),
    z.object({ closed: z.boolean() }),
  ),
  "process.signal": method(
    "Sends one signal to a process's group, and waits for nothing. To end all that it started there is process.kill.",
    z.object({ ...process, signal: SignalName }),
    z.object({ ...process, signal: SignalName }),
  ),
  "process.usage": method(
    "What running processes and terminals use now, of these ids or of all, at most once a second: processors' worth of time since the sample before, resident memory (summed), where they listen. `reason`: why nothing is known of one.",
    z.object({ process_ids: z.array(Id).max(4096).optional() }),
    z.object({
      available: z.boolean(),
      reason: z.string().nullable(),
      samples: z.array(ProcessUsage),
      taken_at: Time,
      /** Milliseconds since the sample before; null in the first. */
      interval_ms: z.number().nullable(),
    }),
  ),
  "process.top": method(
    "The processes that one running process or terminal consists of, parents before children; at most 500.",
    z.object(process),
    z.object({ ...process, reason: z.string().nullable(), processes: z.array(TreeMember) }),
  ),
  "process.resize": method(
    "Tells a PTY its size.",
    z.object({ ...process, rows: Rows, cols: Cols }),
    z.object({ rows: z.number(), cols: z.number() }),
  ),

  "terminal.open": method(
    "Opens the named terminal of a session, or answers with the living one.",
    z.object({
      ...session,
      name: z.string().min(1).max(100).optional(),
      workspace: z.string().max(4096).optional(),
      /** Garbage becomes 24 × 80 (T4), so any value is taken. */
      rows: z.unknown().optional(),
      cols: z.unknown().optional(),
      restart: z.boolean().optional(),
    }),
    TerminalRow.extend({ existed: z.boolean() }),
  ),
  "terminal.list": method(
    "Terminals, of one session or all.",
    z.object({ session_id: Id.optional() }),
    z.object({ terminals: z.array(TerminalRow) }),
  ),
  "terminal.rename": method(
    "What a person calls a terminal, for everybody who sees it; an empty title gives it back its name.",
    z.object({ ...terminal, title: z.string().max(100) }),
    TerminalRow,
  ),
  "terminal.inside": method(
    "What runs in a terminal beside its shell, as far as the system tells: at most 100 processes, the oldest first.",
    z.object(terminal),
    z.object({ processes: z.array(z.object({ pid: z.number().int(), command: z.string() })) }),
  ),
  "terminal.input": method(
    "Sends text, or bytes as base64, unchanged. Answers how many bytes were taken: fewer where a line is too long for its program (4,095 bytes), or nothing reads.",
    z.object({ ...terminal, data: z.union([z.string(), z.object({ base64: z.base64() })]) }),
    z.object({ bytes: z.number().int() }),
  ),
  "terminal.resize": method(
    "Tells the terminal its size; clamped to 8…500 rows and 20…1,000 columns.",
    z.object({ ...terminal, rows: z.unknown(), cols: z.unknown() }),
    z.object({ rows: z.number().int(), cols: z.number().int() }),
  ),
  "terminal.close": method(
    "Ends a terminal and everything in it; false if there is none.",
    z.object(terminal),
    z.object({ closed: z.boolean() }),
  ),

  "share.create": method(
    "A link to watch one terminal or process, and nothing else; good for `minutes` (an hour unless said otherwise).",
    z
      .object({
        terminal_id: Id.optional(),
        process_id: Id.optional(),
        minutes: z.number().int().min(1).max(10_080).optional(),
      })
      .refine((p) => (p.terminal_id === undefined) !== (p.process_id === undefined), {
        error: "give either terminal_id or process_id",
        path: ["terminal_id"],
      }),
    ShareRow.extend({ url: z.string() }),
  ),
  "share.list": method("Links that can be watched by now.", z.object({}), z.object({ shares: z.array(ShareRow) })),
  "share.revoke": method(
    "Ends a link; whoever watches by it is cut off. False if there is none.",
    z.object({ share_id: Id }),
    z.object({ revoked: z.boolean() }),
  ),

  "model.list": method(
    "Models that can be chosen, and how to connect one.",
    z.object({}),
    z.object({ models: z.array(ModelRow), current: z.string(), help: z.string() }),
  ),
  "model.set": method(
    "Chooses the model of a session, or without one the host's default.",
    z.object({ model: z.string().min(1).max(300), session_id: Id.optional() }),
    z.object({ model: z.string() }),
  ),
  "config.get": method(
    "The settings in force, without secrets.",
    z.object({ key: z.string().optional() }),
    z.object({ config: z.record(z.string(), z.unknown()) }),
  ),
  "config.set": method(
    "Changes `approvals` (`ask`, `dangerous`, `off`), for a session or as the default.",
    z.object({ key: z.literal("approvals"), value: ApprovalMode, session_id: Id.optional() }),
    z.object({ key: z.string(), value: z.unknown() }),
  ),
  "usage.get": method(
    "Tokens used, of one session or all.",
    z.object({ session_id: Id.optional() }),
    z.object({ usage: Usage, turns: z.number().int() }),
  ),
  "tools.list": method(
    "The agent's tools.",
    z.object({}),
    z.object({ tools: z.array(z.object({ name: z.string(), description: z.string(), parameters: z.unknown() })) }),
  ),
  "host.status": method(
    "What runs here.",
    z.object({}),
    z.object({
      pid: z.number().int(),
      build: z.string(),
      log_id: z.string(),
      address: z.string(),
      home: z.string(),
      started_at: Time,
      sessions: z.number().int(),
      turns: z.number().int(),
      processes: z.number().int(),
      terminals: z.number().int(),
      clients: z.number().int(),
      model: z.string(),
      memory_bytes: z.number(),
      /** What this machine can enforce for processes and sessions; `why` says what is missing. */
      limits: z.object({
        kind: z.enum(["cgroup2", "cgroup1", "none"]),
        controllers: z.array(z.enum(["memory", "cpu", "pids"])),
        why: z.string().optional(),
      }),
    }),
  ),
  "host.stop": method(
    "Stops the host in order; `all` ends processes and terminals too.",
    z.object({ all: z.boolean().optional() }),
    z.object({ stopping: z.boolean() }),
    "local",
  ),
  "ticket.mint": method(
    "A one-time login ticket for a browser, good for 10 minutes.",
    z.object({}),
    z.object({ ticket: z.string(), url: z.string() }),
    "local",
  ),
} as const;

export type Method = keyof typeof methods;
/** What a caller may send. */
export type Params<M extends Method> = z.input<(typeof methods)[M]["params"]>;
/** What a handler gets: checked, ids as text. */
export type Checked<M extends Method> = z.output<(typeof methods)[M]["params"]>;
export type Result<M extends Method> = z.output<(typeof methods)[M]["result"]>;
