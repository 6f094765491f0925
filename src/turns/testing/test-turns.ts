// Turns over a real log in a home of their own, with scripted models and tools: what the tests of this part share.
import assert from "node:assert/strict";
import { mkdtemp, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach } from "node:test";
import { type Script, ScriptedModel, scriptedModels } from "../../../test/support/scripted-model.ts";
import type { EventLog } from "../../log/event-log.ts";
import { openLog } from "../../log/open.ts";
import type { Model } from "../../models/model.ts";
import { type EventType, type Recorded, sessionStream } from "../../protocol/events.ts";
import type { Plan, Tool, ToolOutcome } from "../../tools/tool.ts";
import { Turns, type TurnsOptions } from "../turns.ts";

export type Settings = ReturnType<TurnsOptions["settings"]>;
export type CountedTool = Tool & { runs: number };

const settings: Settings = {
  model: "scripted/one",
  workspace: "/",
  fallbackModel: undefined,
  personality: undefined,
  approvals: "ask",
  tools: undefined,
  onRestart: "continue",
  wakesPerHour: 20,
  toolLimitMs: 60_000,
  mostAnswers: 20,
};

/** Made once per test file: opens a log before each test and puts everything away after it. A warning fails the test. */
export class TestTurns {
  home = "";
  #log: EventLog | undefined;
  #turns: Turns | undefined;
  readonly #warnings: string[] = [];
  #expected: RegExp | undefined;

  constructor() {
    beforeEach(async () => {
      this.home = await realpath(await mkdtemp(join(tmpdir(), "hearth-turns-")));
      this.#log = await openLog({ home: this.home });
      this.#warnings.length = 0;
    });
    afterEach(async () => {
      await this.#turns?.close();
      this.#turns = undefined;
      await this.log[Symbol.asyncDispose]();
      await rm(this.home, { recursive: true, force: true });
      assert.deepEqual(
        this.#warnings.filter((text) => !this.#expected?.test(text)),
        [],
      );
      this.#expected = undefined;
    });
  }

  get log(): EventLog {
    assert.ok(this.#log);
    return this.#log;
  }
  get turns(): Turns {
    assert.ok(this.#turns, "host() first");
    return this.#turns;
  }

  /** Starts turns on the log as it is, as a host does; an earlier one is closed first, as a restart does. */
  async host(
    models: Model | readonly Model[],
    tools: readonly Tool[] = [],
    patch: Partial<Settings> = {},
    running: () => string[] = () => [],
  ): Promise<void> {
    await this.#turns?.close();
    this.#turns = await Turns.open({
      log: this.log,
      models: scriptedModels(...[models].flat()),
      settings: () => ({ ...settings, workspace: this.home, ...patch }),
      warn: (text) => this.#warnings.push(text),
    });
    await this.#turns.start(new Map(tools.map((one) => [one.spec.name, one])), running);
  }

  /** Warnings like this one are part of the test. */
  expectWarning(text: RegExp): void {
    this.#expected = text;
  }

  async session(): Promise<string> {
    return (await this.turns.create({ workspace: this.home })).session.session_id;
  }

  async all(id: string): Promise<readonly Recorded[]> {
    return this.log.read(sessionStream(id), 0, 10_000);
  }

  /** Resolves with the stream once an event of this type (the n-th) is durable. */
  async seen(id: string, type: EventType, n = 1): Promise<readonly Recorded[]> {
    const enough = new AbortController();
    const found: Recorded[] = [];
    for await (const page of this.log.follow(sessionStream(id), 0, enough.signal)) {
      found.push(...page);
      if (found.filter((event) => event.type === type).length >= n) break;
    }
    enough.abort();
    return found;
  }

  /** The id of the request that waits for a person. */
  async request(id: string): Promise<string> {
    const [request] = await this.turns.pending(id);
    assert.ok(request, "nothing waits");
    return request.request_id;
  }
}

/** A tool whose runs are counted. */
export function tool(name: string, more: Partial<Tool> = {}): CountedTool {
  const counted = {
    spec: { name, description: name, parameters: { type: "object" } },
    afterCrash: "unknown" as const,
    plan: async (): Promise<Plan> => ({ preview: name }),
    ...more,
    runs: 0,
    async run(...given: Parameters<Tool["run"]>): Promise<ToolOutcome> {
      counted.runs += 1;
      return more.run === undefined ? { status: "ok", result: `${name} ran` } : more.run(...given);
    },
  };
  return counted;
}

export const types = (events: readonly { type: EventType }[]) => events.map((event) => event.type);
export const only = <T extends EventType>(events: readonly Recorded[], type: T) =>
  events.filter((event): event is Extract<Recorded, { type: T }> => event.type === type);

/** The plan of a tool that wants approval. */
export const asks = (reason = "it changes things", dangerous = false, grantKey?: string) => ({
  plan: async (): Promise<Plan> => ({
    preview: "do it",
    approval: { reason, dangerous },
    ...(grantKey === undefined ? {} : { grantKey }),
  }),
});

/** A model whose calls need approval. */
export const untrusted = (scripts: Script[]) => new ScriptedModel(scripts, { typedByPerson: false });
