// Methods on the host itself: models, settings, what was used, what runs, and the ways in and out.
import * as z from "zod";
import { Usage } from "../events.ts";
import { Id } from "../ids.ts";
import { ApprovalMode, Time } from "../rows.ts";
import { method } from "./method.ts";

export const ModelRow = z.object({
  /** What `model.set` and a prompt's `model` take: `offline`, `anthropic/NAME`, `PROVIDER/NAME`. */
  model: z.string(),
  provider: z.string(),
  /** False where something is missing (a key, say); `note` says what. */
  ready: z.boolean(),
  note: z.string().optional(),
});

export type ModelRow = z.infer<typeof ModelRow>;

export const hostMethods = {
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
      /** Who watches something by a link. */
      watchers: z.number().int().default(0),
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
