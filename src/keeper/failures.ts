// The failures of this part that others name in their code.
import { HostError } from "../protocol/errors.ts";
import type { ChildSpec } from "./types.ts";

/** The child was never executed; `step` says what failed ("exec", "cwd", "pty" …), `errno` why ("ENOENT" …). */
export class FailedStart extends HostError {
  readonly errno: string;
  readonly step: string;
  /** The last that the way into its sandbox said, where it was to run in one. */
  readonly words: string | undefined;
  constructor(spec: Started, step: string, errno: string, options?: ErrorOptions & { words?: string | undefined }) {
    const full = step === "pty" && (errno === "ENOSPC" || errno === "EAGAIN");
    super(
      full ? "pty_limit" : "failed_start",
      full
        ? "This machine has no terminal left; close one, or start the command without one."
        : `"${spec.argv[0]}" could not be started: ${explain(spec, step, errno)}${quote(options?.words)}`,
      { ...options, data: { errno, step } },
    );
    this.errno = errno;
    this.step = step;
    this.words = options?.words;
  }
}

/** What a person knows it by; its id says nothing before there is anything. */
type Started = Pick<ChildSpec, "argv" | "cwd" | "transport">;

function quote(words: string | undefined): string {
  return words ? `. It said:\n${words}` : ".";
}

function explain(spec: Started, step: string, errno: string): string {
  if (step === "exec" && errno === "ENOENT") return "there is no such command";
  if (step === "exec" && errno === "EACCES") return "the command may not be executed";
  if (step === "exec" && errno === "E2BIG") return "its arguments and environment are too long";
  if (step === "limits") return `it could not be put into its control group (${errno}), and its limits are required`;
  if (step === "cwd") return `its working directory ${spec.cwd} cannot be entered (${errno})`;
  if (step === "transport") return withoutSandbox(spec, errno);
  if (step === "version") return "the keeper in its sandbox is of another version than this host";
  return `${errno} at step "${step}"`;
}

function withoutSandbox(spec: Started, errno: string): string {
  const program = spec.transport?.argv[0];
  if (errno === "ENOENT") return `the program that leads into its sandbox, "${program}", or its directory is not there`;
  if (errno === "EACCES") return `the program that leads into its sandbox, "${program}", may not be executed`;
  if (errno === "EPROTO") return "what answered in its sandbox is no keeper";
  return "its sandbox ended before it ran";
}

/** The start took too long and was revoked: it cannot happen any more, and what comes up late is ended. */
export class StartTimeout extends HostError {
  constructor(id: string, ms: number) {
    super("start_timeout", `"${id}" did not start within ${ms} ms; the machine may be overloaded. Try again.`);
  }
}

/** The child has ended, or no longer listens. */
export class NotRunning extends HostError {
  constructor(id: string, why = "has ended") {
    super("not_running", `"${id}" ${why}.`);
  }
}

/** It has not ended (or descendants of it have not): its directory is still needed. */
export class StillRunning extends HostError {
  constructor(id: string) {
    super("invalid_request", `"${id}" or a descendant of it is still running: end it first.`);
  }
}

/** These bytes were dropped for the quota; `firstKept` is the first offset that can be read. */
export class OffsetGone extends HostError {
  readonly firstKept: number;
  constructor(firstKept: number) {
    super("offset_gone", `Output before offset ${firstKept} is no longer kept`, { data: { first_kept: firstKept } });
    this.firstKept = firstKept;
  }
}
