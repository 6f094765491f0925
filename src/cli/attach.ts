// `hearth attach`: this terminal becomes that of a shell or program of the host, until it ends or the detach keys let go.
import { constants } from "node:os";
import { connect } from "./connect.ts";
import { DETACH_KEYS, DetachKeys } from "./detach-keys.ts";
import { CliError, EXIT, exitCodeOf } from "./failure.ts";
import { safeLine } from "./safe-text.ts";
import type { Screen } from "./screen.ts";

export interface AttachOptions {
  /** As a person writes them: `ctrl-p ctrl-q`. */
  detachKeys?: string;
  /** Watch only: nothing that is typed is sent, and no size. */
  readOnly?: boolean;
}

/** What is attached to, as both ways of attaching need to know it. */
export interface Target {
  readonly id: string;
  readonly home: string;
  /** Safe to show. */
  readonly name: string;
}
export type End = { exit_code: number | null; signal: string | null; cause: string };

/**
 * Attaches until the end or until the detach keys. Resolves with the exit code: the program's own when it ends meanwhile, 0
 * when it was let go. Throws CliError where there is no such thing, no host, or no terminal to attach.
 */
export async function attach(home: string, id: string, options: AttachOptions, screen: Screen): Promise<number> {
  const keys = new DetachKeys(options.detachKeys ?? DETACH_KEYS);
  const { mode, name, left } = await find(home, id);
  if (left) screen.err(`${id} has ended: this is what is left of it.\n`);
  const target: Target = { id, home, name };
  if (mode === "pipe") {
    const { attachLines } = await import("./attach-lines.ts");
    return attachLines(target, options.readOnly ?? false, screen);
  }
  const { stdin, stdout } = process;
  if (!stdout.isTTY || !stdin.isTTY)
    throw new CliError(
      `${id} draws on a terminal, and this is none: read it with \`hearth logs -f ${id}\`, write to it with \`hearth send\`.`,
      EXIT.usage,
    );
  const { attachScreen } = await import("./attach-screen.ts");
  return attachScreen(target, keys, options.readOnly ?? false, screen);
}

async function find(home: string, id: string): Promise<{ mode: "pipe" | "pty"; name: string; left: boolean }> {
  using connected = await connect(home);
  if (!id.startsWith("term_")) {
    const row = await connected.client.call("process.poll", { process_id: id });
    const name = safeLine(row.name ?? row.argv?.join(" ") ?? row.command, 60);
    return { mode: row.mode, name, left: row.status !== "running" };
  }
  const { terminals } = await connected.client.call("terminal.list", {});
  const row = terminals.find((one) => one.terminal_id === id);
  if (row === undefined)
    throw new CliError(`There is no terminal ${safeLine(id, 60)}: the page shows those there are.`);
  return { mode: "pty", name: safeLine(row.title ?? row.name, 60), left: row.status !== "running" };
}

/** The exit code that stands for an end, as for `hearth wait`. */
export function codeOfEnd({ exit_code, signal }: End): number {
  if (exit_code !== null || signal === null) return exitCodeOf(exit_code);
  const number = (constants.signals as Record<string, number | undefined>)[signal];
  return number === undefined ? EXIT.failed : 128 + number;
}

/** In words: "ended with 3", "was ended by SIGKILL". */
export function howItEnded({ exit_code, signal }: End): string {
  if (signal !== null) return `was ended by ${safeLine(signal, 20)}`;
  return exit_code === null ? "was lost: what it ended with is not known" : `ended with ${exit_code}`;
}
