// What to say where no host runs: what was started by one is told nothing of its home (T3, P3), so it may have looked in the wrong place.
import { type Environment, environment } from "../config/environment.ts";

/** One sentence or two: that no host runs on `home`, and what to do. */
export function noHostOn(home: string, env: Environment = environment()): string {
  return isElsewhere(env)
    ? `No host runs on ${home}. ${ELSEWHERE}`
    : `No host runs on ${home}: start one with \`hearth up\`.`;
}

/** The same where nobody wants one to run. */
export function noneRunsOn(home: string, env: Environment = environment()): string {
  return isElsewhere(env) ? `No host runs on ${home}. ${ELSEWHERE}` : `No host runs on ${home}.`;
}

const ELSEWHERE =
  "This was started by a host whose home may be another one: its terminals and processes are not told, so set HEARTH_HOME to it.";

/** A host put its mark into the environment, as a shell's or a process's, and nobody has said since where the home is. */
const isElsewhere = ({ HEARTH_HOME, HEARTH_TERMINAL, HEARTH_MARK }: Environment): boolean =>
  (HEARTH_TERMINAL !== undefined || HEARTH_MARK !== undefined) && (HEARTH_HOME ?? "") === "";
