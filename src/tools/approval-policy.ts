// Which calls a person is asked about, and why. What the answer means (once, session, always) is the turn's business.
import { createHash } from "node:crypto";
import { homedir } from "node:os";
import { join, sep } from "node:path";
import { dangerous } from "./dangerous.ts";
import { shown } from "./paths.ts";
import type { Plan } from "./tool.ts";

type Approval = NonNullable<Plan["approval"]>;

/** Every command asks: it can do whatever the person can. */
export function commandApproval(command: string): Approval {
  const why = dangerous(command);
  return why === undefined
    ? { reason: "Runs a command on this machine with your rights", dangerous: false }
    : { reason: `Runs a command that ${why}`, dangerous: true };
}

/** Files that make programs run later, or open doors: a write there is asked about each time. */
const DOORS = [
  ".ssh",
  ".gnupg",
  ".bashrc",
  ".bash_profile",
  ".bash_login",
  ".profile",
  ".zshrc",
  ".zshenv",
  ".zprofile",
];

/** Every write asks. `path` is where it ends, links followed. */
export function writeApproval(path: string, workspace: string): Approval {
  const home = homedir();
  const door = DOORS.find((name) => path === join(home, name) || path.startsWith(join(home, name) + sep));
  if (door !== undefined) return { reason: `Writes ~/${door}, which decides what runs as you`, dangerous: true };
  if (path.startsWith(`/etc${sep}`)) return { reason: "Writes a setting of the whole system", dangerous: true };
  if (path.includes(`${sep}.git${sep}`))
    return { reason: "Writes inside a Git directory, hooks can be there", dangerous: true };
  const inside = shown(workspace, path) !== path;
  return { reason: inside ? "Writes a file" : "Writes a file outside the workspace", dangerous: false };
}

/**
 * Typing into a program asks, as a command does: the program may be a shell, and then the text *is* a command. Ending
 * asks only for what the agent has not started itself.
 */
export function inputApproval(text: string): Approval {
  const why = dangerous(text);
  return why === undefined
    ? { reason: "Types into a running program, which may be a shell", dangerous: false }
    : { reason: `Types something into a running program that ${why}`, dangerous: true };
}
/** For ending what the agent has not started itself. */
export function endApproval(): Approval {
  return { reason: "Ends a process that this conversation has not started", dangerous: false };
}

/** Letters, digits and marks that no shell reads as anything but themselves, and plain quotes around them. */
const PLAIN = /^(?:[\w\-.,/:=@%+ ]|'[\w\-.,/:=@%+ ]*'|"[\w\-.,/:=@%+ ]*")+$/;

/**
 * Identity of a call for "always": this tool, exactly these arguments, this directory, nothing wider. A command with any
 * shell operator, expansion or pattern has none, since the same text can do something else next time.
 */
export function grantKey(tool: string, args: Readonly<Record<string, unknown>>, cwd: string): string {
  const canonical = JSON.stringify([tool, Object.entries(args).sort(([a], [b]) => (a < b ? -1 : 1)), cwd]);
  return `${tool}:${createHash("sha256").update(canonical).digest("hex")}`;
}
/** True if a shell does the same with it each time: no operator, expansion or pattern. */
export function isPlainCommand(command: string): boolean {
  return command.length <= 4096 && PLAIN.test(command);
}
