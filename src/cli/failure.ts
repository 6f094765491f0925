// How a command ends badly: one sentence for the person, one number for the script.

/** 0 done, 1 failed, 2 wrong use, 78 refused configuration. */
export const EXIT = { done: 0, failed: 1, usage: 2, cancelled: 130, refused: 78 } as const;

/** A failure that is told in one sentence which says what to do. */
export class CliError extends Error {
  readonly exitCode: number;
  constructor(message: string, exitCode: number = EXIT.failed, options?: ErrorOptions) {
    super(message, options);
    this.name = "CliError";
    this.exitCode = exitCode;
  }
}

/** What to say and how to end for anything that was thrown; undefined for what is no one's fault but ours. */
export function outcomeOf(thrown: unknown): { message: string; exitCode: number } | undefined {
  if (thrown instanceof CliError) return { message: thrown.message, exitCode: thrown.exitCode };
  if (!(thrown instanceof Error)) return undefined;
  const { reason } = thrown as Error & { reason?: unknown };
  // An answer of the host, or a HostError of this process: its message is made for people.
  if (typeof reason === "string") {
    const message = thrown.message.replace(
      /`?\b(process\.list|process\.log|session\.list)\b`?/g,
      (all, name: string) => commands[name] ?? all,
    );
    return { message, exitCode: reason === "config_refused" ? EXIT.refused : EXIT.failed };
  }
  if (thrown.name === "HomeRefused") return { message: thrown.message, exitCode: EXIT.refused };
  return undefined;
}

/** What the host calls by the names of its methods is a command here. */
const commands: Readonly<Record<string, string>> = {
  "process.list": "`hearth ps --all`",
  "process.log": "`hearth logs`",
  "session.list": "`hearth sessions`",
};

/** The exit code that stands for the end of a process: its own, or 128 + n where signal n ended it. */
export function exitCodeOf(exitCode: number | null): number {
  if (exitCode === null) return EXIT.failed;
  return exitCode < 0 ? 128 - exitCode : exitCode;
}
