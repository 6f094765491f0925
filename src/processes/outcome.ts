// How a child's end is told: what the system said, and who asked for it. Pure, so that every race is one small test.
import { constants } from "node:os";
import type { End } from "../keeper/keepers.ts";
import { HostError } from "../protocol/errors.ts";

export interface Outcome {
  status: "exited" | "killed" | "lost";
  exit_code: number | null;
  signal: string | null;
  completion_reason: "exited" | "killed" | "lost";
  termination_source: string | null;
  reason: string | null;
  ended_at: number;
  bytes_at_exit: number | null;
}

/** Someone's wish that a child end: who, and when (ms since the epoch). */
export interface KillAsked {
  source: string;
  at: number;
}

const names = new Map<number, string>();
for (const [name, number] of Object.entries(constants.signals)) if (!names.has(number)) names.set(number, name);

/** `SIGTERM` for 15; `SIG64` for one without a name. */
export function signalName(number: number): string {
  return names.get(number) ?? `SIG${number}`;
}

/** 15 for `TERM`. Throws for a name that this system does not know. */
export function signalNumber(name: string): number {
  const number = constants.signals[`SIG${name}` as NodeJS.Signals];
  if (number === undefined) throw new HostError("invalid_params", `This system has no signal "${name.slice(0, 20)}"`);
  return number;
}

const lostReasons = {
  keeper_gone: "its keeper was killed, so nobody saw how it ended",
  reboot: "the machine was restarted while it ran",
  status_untrusted: "the record of its end was damaged",
  transport_gone: "its sandbox is gone",
} as const;

/**
 * True if the child had ended by itself when the kill came: a wish that came too late changes nothing (P23). Its keeper
 * knows; records of older ones have only the times, which say nothing within one millisecond.
 */
function cameFirst(end: Extract<End, { kind: "exited" }>, asked: KillAsked): boolean {
  return end.endedBy === undefined ? end.endedAt < asked.at : end.endedBy === "itself";
}

/** What the end of a child means, given who asked for it, if anyone. `now` stands in where nobody saw the end. */
export function outcomeOf(end: End, asked: KillAsked | null, now: number): Outcome {
  if (end.kind === "lost")
    return {
      status: "lost",
      exit_code: null,
      signal: null,
      completion_reason: "lost",
      termination_source: null,
      reason: end.words ? `${lostReasons[end.reason]}: ${end.words}` : lostReasons[end.reason],
      ended_at: now,
      bytes_at_exit: null,
    };
  const by = asked !== null && !cameFirst(end, asked) ? asked : null;
  return {
    status: by === null ? "exited" : "killed",
    exit_code: end.signal === null ? end.code : -end.signal,
    signal: end.signal === null ? null : signalName(end.signal),
    completion_reason: by === null ? "exited" : "killed",
    termination_source: by?.source ?? null,
    reason: null,
    ended_at: end.endedAt,
    bytes_at_exit: end.bytesAtExit,
  };
}
