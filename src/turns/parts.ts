// What a running turn is given: the parts around it, the settings of the moment, and the two ways it stops early.
import type { Models } from "../models/models.ts";
import type { ApprovalMode } from "../protocol/rows.ts";
import type { Redactor } from "../secrets/redactor.ts";
import type { Tool } from "../tools/tool.ts";
import type { Grants } from "./requests.ts";
import type { Session } from "./session.ts";
import type { Personality } from "./system-message.ts";

/** Read at the time of each step, so that a changed configuration counts at once (S5). */
export interface TurnSettings {
  fallbackModel: string | undefined;
  personality: Personality | undefined;
  approvals: ApprovalMode;
  /** Names of the tools the agent has; undefined: all. */
  tools: readonly string[] | undefined;
  /** What becomes of a turn that the end of the host has cut. */
  onRestart: "continue" | "interrupt";
  /** Turns that notices alone may start in a session within an hour; what comes after that waits and is told together. */
  wakesPerHour: number;
  /** The longest a tool may run, in ms. */
  toolLimitMs: number;
  /** Answers of the model in one turn; a turn that goes past them has lost its way. */
  mostAnswers: number;
}

/** What a turn needs from around it. */
export interface TurnParts {
  session: Session;
  models: Pick<Models, "resolve">;
  /** Those that the settings of the moment allow. */
  tools: () => ReadonlyMap<string, Tool>;
  settings: () => TurnSettings;
  /** What the session has running in the background, a line each. */
  running: (sessionId: string) => readonly string[];
  /** What a model writes and a tool answers is stored, shown and sent on through it alone. */
  redactor: Redactor;
  /** By call id, the arguments as the model wrote them, where those that are stored lack a secret. They die with the run of the turn. */
  written: Map<string, Readonly<Record<string, unknown>>>;
  grants: Grants;
  /** By call id, what an "always" would grant; forgotten with the turn. */
  grantKeys: Map<string, string>;
  /** Calls with an unknown outcome: a person is asked before they are repeated. */
  unsure: Set<string>;
  warn: (text: string) => void;
}

/**
 * Two ways a turn stops early. `cancel`: a person ends it, its tools end what they started, the journal closes it.
 * `leave`: the host goes, nothing is ended or written, the next host goes on from the journal.
 */
export interface Stops {
  cancel: AbortSignal;
  leave: AbortSignal;
  /** Aborted by whichever comes first. */
  either: AbortSignal;
}
