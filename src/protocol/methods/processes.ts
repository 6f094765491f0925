// Methods on processes, and on the sandboxes that they can run in.
import * as z from "zod";
import { Id } from "../ids.ts";
import { ProcessMode, ProcessRow, ProcessStatus, Routing, SignalName, Time } from "../rows.ts";
import { systemText, VariableName } from "../text.ts";
import { WatchPattern } from "../watch-pattern.ts";
import { method } from "./method.ts";

const process = { process_id: Id };
const Rows = z.number();
const Cols = z.number();

/** What one process and all it started use. Null where that is not known, and `reason` says why. */
const ProcessUsage = z.object({
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

export const processMethods = {
  "process.start": method(
    "Starts a background process: `command` through the login shell, or `argv` without one.",
    z
      .object({
        command: systemText(100_000).min(1).optional(),
        argv: z.array(systemText(100_000)).min(1).max(10_000).optional(),
        mode: ProcessMode.optional(),
        cwd: systemText(4096).optional(),
        env: z.record(VariableName, systemText()).optional(),
        session_id: Id.optional(),
        task_id: Id.optional(),
        name: systemText(200).optional(),
        rows: Rows.optional(),
        cols: Cols.optional(),
        /** A text, or `{regex}` for whole lines on a linear-time engine; both meet what a person sees, without colours. */
        watch_patterns: z.array(WatchPattern).max(50).optional(),
        notify_on_complete: z.boolean().optional(),
        /** At most what the settings allow. */
        limits: z
          .strictObject({
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
    z.object({
      ...process,
      status: z.enum(["killed", "already_exited", "running"]),
      process: ProcessRow,
      note: z.string().optional(),
    }),
  ),
  "process.kill_all": method(
    "Ends all processes, or those of one session or task.",
    // Which are meant must not get lost.
    z.strictObject({ session_id: Id.optional(), task_id: Id.optional() }),
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
} as const;
