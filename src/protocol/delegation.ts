// Work that a session's agent has handed out to somebody else: what whoever did it tells, and how much of it.
import * as z from "zod";
import { Id } from "./ids.ts";
import { Routing, Time } from "./rows.ts";

/** Ten years: longer is a mistake in units. */
const Seconds = z.number().min(0).max(315_360_000);

const DelegatedResult = z.object({
  /** What this part of the work was; one alone needs none. */
  task: z.string().max(4_000).optional(),
  status: z.enum(["done", "failed", "cancelled"]),
  summary: z.string().max(20_000),
  duration_s: Seconds.optional(),
});

/** What was asked for, and what came of it: one result, or one for each task. */
export const Delegation = z
  .object({
    session_id: Id,
    /** By which the same work told twice is known: within its session the first counts. */
    delegation_id: Id,
    goal: z.string().min(1).max(20_000),
    context: z.string().max(20_000).optional(),
    /** Of the two, `duration_s` counts. */
    started_at: Time.min(0).max(8.64e15).optional(),
    duration_s: Seconds.optional(),
    results: z.array(DelegatedResult).min(1).max(100),
    /** Handed back with the notice. */
    routing: Routing.optional(),
  })
  .refine(({ started_at, duration_s }) => started_at !== undefined || duration_s !== undefined, {
    error: "give started_at or duration_s",
    path: ["duration_s"],
  });
export type Delegation = z.output<typeof Delegation>;
