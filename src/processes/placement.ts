// Where a process runs: on this machine as it is, or inside a sandbox, which has another folder, another environment and other
// limits than what starts it.
import path from "node:path";
import type { Child, ChildSpec, Keepers } from "../keeper/keepers.ts";
import type { LimitSettings, Limits } from "../limits/limits.ts";
import { HostError } from "../protocol/errors.ts";
import type { ProcessRow } from "../protocol/rows.ts";
import { LOCAL, type Sandbox, type Sandboxes } from "../sandboxes/sandboxes.ts";
import { cleanLogin, type Environment, isLanguage } from "./environment.ts";
import { expandHome } from "./folder.ts";
import type { Prepared, StartProcess } from "./preparation.ts";
import { toFacts } from "./record.ts";

/** The sandbox that a request names; null: none. Errors: sandbox_not_found. */
export async function sandboxOf(request: StartProcess, sandboxes: Sandboxes | undefined): Promise<Placed | null> {
  const name = request.sandbox ?? LOCAL;
  if (name === LOCAL) return null;
  if (sandboxes === undefined) throw new HostError("sandbox_not_found", `There is no sandbox "${name}" here`);
  return { name, sandbox: await sandboxes.get(name), passes: sandboxes.passes(name) };
}

export interface Placed {
  name: string;
  sandbox: Sandbox;
  /** Names of variables that go in. */
  passes: readonly string[];
}

/** The folder asked for, as written: whether it is there is for the sandbox to say. */
export function folderAsked(wanted: string | undefined, fallback: string, home: string | undefined): string {
  return wanted === undefined ? fallback : path.resolve(fallback, expandHome(wanted, home));
}

/** Means the same inside only where the inside is this very system. */
const sameSystem = ["PATH", "HOME", "USER", "LOGNAME", "SHELL"];

/** What a process gets in its sandbox: little, since the far end's own PATH, HOME and SHELL are the right ones there. */
export function environmentInside(o: {
  placed: Placed;
  base: Environment;
  login: Environment | null;
  added: Environment;
  pty: boolean;
}): Record<string, string> {
  const { placed, base, login, added, pty } = o;
  const wanted = new Set([...placed.passes, ...(placed.sandbox.sameSystem ? sameSystem : [])]);
  const known = Object.entries({ ...base, ...(login === null ? {} : cleanLogin(login, placed.passes)) });
  return {
    ...Object.fromEntries(known.filter(([name]) => wanted.has(name) || isLanguage(name))),
    PYTHONUNBUFFERED: "1",
    TERM: pty ? "xterm-256color" : "dumb",
    ...added,
  };
}

/** Limits for what does not run below the child that is started here. Errors: not_supported where they are required. */
export function limitsInside(
  prepared: Prepared,
  limited: Exclude<Sandbox["limited"], "here">,
  o: { limits: Limits | null; settings: LimitSettings; asked: StartProcess["limits"] },
): Prepared {
  if (o.limits === null || o.settings.mode === "off") return prepared;
  const { amounts, notes } = o.limits.amounts(o.settings, o.asked ?? {});
  if (Object.values(amounts).every((amount) => amount === null)) return prepared;
  const enforced = limited === "inside";
  const trouble = `there is nothing in the sandbox "${prepared.row.environment}" that enforces them`;
  if (!enforced && o.settings.mode === "required")
    throw new HostError(
      "not_supported",
      `Its limits cannot be enforced: ${trouble}, and processes.limits is "required"`,
    );
  const said = enforced ? notes : [...notes, `Its limits are not enforced: ${trouble}.`];
  return {
    ...prepared,
    row: { ...prepared.row, limits: { ...amounts, enforced }, notes: [...prepared.row.notes, ...said] },
  };
}

/** Starts it where it belongs. Errors: as `Keepers.start`, and failed_start where the sandbox cannot be entered. */
export async function begin(
  { row, book, spec }: Prepared,
  request: StartProcess,
  o: { keepers: Keepers; sandboxes?: Sandboxes },
): Promise<{ row: ProcessRow; child: Child }> {
  if (row.environment === LOCAL || o.sandboxes === undefined) return { row, child: await o.keepers.start(spec) };
  const { rows, cols } = spec;
  const entered = await o.sandboxes.enter(
    row.environment,
    {
      id: row.process_id,
      cwd: row.cwd,
      workspace: request.workspace ?? row.cwd,
      mode: row.mode,
      session_id: row.session_id,
      limits: row.limits?.enforced === true ? row.limits : null,
    },
    { argv: spec.argv, env: spec.env, ...(rows !== undefined && cols !== undefined && { rows, cols }) },
  );
  const { cwd, notes, bestEffort } = entered;
  const placed: ProcessRow = { ...row, cwd, notes: [...row.notes, ...notes], best_effort: bestEffort };
  const inside: ChildSpec = { ...spec, ...entered.spec, facts: toFacts(placed, book) };
  return { row: placed, child: await o.sandboxes.start(entered, inside) };
}
