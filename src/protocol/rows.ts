// What lists and single look-ups show of a session, a process, a terminal: the same row everywhere.
import * as z from "zod";
import { WatchPattern } from "./watch-pattern.ts";

/** Milliseconds since the epoch. */
export const Time = z.number();
export const ProcessStatus = z.enum(["running", "exited", "killed", "lost", "failed_start"]);
export const ProcessMode = z.enum(["pipe", "pty"]);
export const ApprovalMode = z.enum(["ask", "dangerous", "off"]);
export type ApprovalMode = z.infer<typeof ApprovalMode>;

export const SessionRow = z.object({
  session_id: z.string(),
  title: z.string(),
  workspace: z.string(),
  /** null: the host's default model, whatever it is at the time of the turn. */
  model: z.string().nullable(),
  approvals: ApprovalMode,
  created_at: Time,
  updated_at: Time,
  /** The turn that runs or waits for a person; null when idle. */
  turn_id: z.string().nullable(),
  /** Prompts accepted and not yet begun. */
  queued: z.number().int(),
  /** Requests (approval, clarify) that wait for a person. */
  pending: z.number().int(),
});
export type SessionRow = z.infer<typeof SessionRow>;

/** Limits of one process and all it starts. */
export const ProcessLimits = z.object({
  memory_bytes: z.number().int().nullable(),
  /** Processors' worth of time; 1.5 is one and a half. */
  cpus: z.number().nullable(),
  pids: z.number().int().nullable(),
  /** False where the machine has no control groups that Hearth may use: then nothing of this holds. */
  enforced: z.boolean(),
});
export type ProcessLimits = z.infer<typeof ProcessLimits>;

/**
 * Where a conversation comes from and answers go (platform, chat, thread, user, message): kept, and handed back as it is,
 * but for numbers, which are accepted as text like all ids, and secrets, which no row and no notice holds.
 */
export const Routing = z
  .record(z.string(), z.union([z.string(), z.int().transform(String)]))
  .refine((routing) => Object.keys(routing).length <= 16 && Object.entries(routing).flat().join("").length <= 1_000, {
    error: "at most 16 entries and 1,000 characters in all",
  });
export type Routing = z.infer<typeof Routing>;

export const ProcessRow = z.object({
  process_id: z.string(),
  session_id: z.string().nullable(),
  task_id: z.string().nullable(),
  name: z.string().nullable(),
  command: z.string(),
  argv: z.array(z.string()).nullable(),
  cwd: z.string(),
  /** Why the working directory or the mode is not the one asked for; empty when it is. */
  notes: z.array(z.string()),
  mode: ProcessMode,
  /** The sandbox it runs in, by its name in the settings; `local` is none. */
  environment: z.string(),
  /** What that sandbox is: local, bubblewrap, container, ssh, command. */
  environment_kind: z.string().default("local"),
  owner: z.enum(["agent", "person"]),
  status: ProcessStatus,
  pid: z.number().int().nullable(),
  /** The kernel's start tick of `pid`: together they name one process, a pid alone does not. */
  start_tick: z.string().nullable(),
  /** Its number inside its sandbox; null without one. */
  pid_inside: z.number().int().nullable().default(null),
  /** What left its group may outlive it, because nothing where it runs can find it: nor, once its keeper was killed, here. */
  best_effort: z.boolean().default(false),
  started_at: Time,
  ended_at: Time.nullable(),
  /** The code, or minus the signal that ended it; null while it runs and when it is lost. */
  exit_code: z.number().int().nullable(),
  signal: z.string().nullable(),
  completion_reason: z.enum(["exited", "killed", "lost", "failed_start"]).nullable(),
  termination_source: z.string().nullable(),
  /** Why it could not start or was lost, in words. */
  reason: z.string().nullable(),
  bytes_at_exit: z.number().int().nullable(),
  /** True once no further byte of output can come. */
  closed: z.boolean(),
  /** It has ended, and something it has started holds its output open past `processes.drain_s`: it may never close. */
  drain_overdue: z.boolean().default(false),
  watch_patterns: z.array(WatchPattern),
  watch_hits: z.number().int(),
  notify_on_complete: z.boolean(),
  /** True if a host that did not start it has taken it over. */
  recovered: z.boolean(),
  /** It was found beside a log that did not know of it: one that was put back from a copy, say. */
  foreign: z.boolean().default(false),
  /** The agent's call that started it; null for a person's. */
  origin: z.object({ turn_id: z.string(), call_id: z.string() }).nullable().default(null),
  /** Where the conversation came from (platform, chat, thread, user, message): handed back with every notice. */
  routing: Routing.nullable().default(null),
  /** Seconds between two periodic checks that tell the agent how it stands; null: none. */
  check_every_s: z.number().nullable().default(null),
  /** What it may use, as far as this machine enforces it; null: no limits. */
  limits: ProcessLimits.nullable().default(null),
  /** The limit it ran into, if any. */
  limit_hit: z.enum(["memory", "pids"]).nullable().default(null),
});
export type ProcessRow = z.infer<typeof ProcessRow>;

export const TerminalRow = z.object({
  terminal_id: z.string(),
  session_id: z.string(),
  name: z.string(),
  /** What a person calls it; null: its name. Shells that follow under the same name keep it. */
  title: z.string().nullable().default(null),
  workspace: z.string(),
  shell: z.string(),
  rows: z.number().int(),
  cols: z.number().int(),
  status: z.enum(["running", "exited", "lost"]),
  pid: z.number().int().nullable(),
  exit_code: z.number().int().nullable(),
  signal: z.string().nullable(),
  started_at: Time,
  ended_at: Time.nullable(),
  recovered: z.boolean(),
});
export type TerminalRow = z.infer<typeof TerminalRow>;

/** A link that shows one terminal or process and can do nothing else. Its secret is told once, when it is made. */
export const ShareRow = z.object({
  share_id: z.string(),
  /** One of the two. */
  terminal_id: z.string().nullable(),
  process_id: z.string().nullable(),
  created_at: Time,
  expires_at: Time,
});
export type ShareRow = z.infer<typeof ShareRow>;

/** The signals a person sends by hand. */
export const SignalName = z.enum([
  "HUP",
  "INT",
  "QUIT",
  "KILL",
  "USR1",
  "USR2",
  "TERM",
  "CONT",
  "STOP",
  "TSTP",
  "WINCH",
]);
export type SignalName = z.infer<typeof SignalName>;
