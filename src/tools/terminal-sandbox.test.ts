import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { context } from "../../test/support/tool-call.ts";
import type { Processes, StartProcess } from "../processes/processes.ts";
import { HostError } from "../protocol/errors.ts";
import { terminalTool } from "./terminal-tool.ts";
import { defaultToolSettings, type Tool } from "./tool.ts";

/** The tool, and what it would have started; everything it starts is refused. */
function planned(offered: readonly string[], standard: () => string): { tool: Tool; asked: StartProcess[] } {
  const asked: StartProcess[] = [];
  const refusing = {
    start: async (request: StartProcess) => {
      asked.push(request);
      throw new HostError("failed_start", "not here");
    },
  };
  const tool = terminalTool(refusing as unknown as Processes, () => defaultToolSettings, { offered, standard });
  return { tool, asked };
}
const properties = (tool: Tool) => tool.spec.parameters.properties as Record<string, { enum?: string[] }>;

describe("the tool terminal and sandboxes", () => {
  it("P35: offers a choice only where there is one, and nothing that is not offered", async () => {
    assert.equal(properties(planned([], () => "local").tool).sandbox, undefined);
    const { tool } = planned(["box", "pod"], () => "box");
    assert.deepEqual(properties(tool).sandbox?.enum, ["box", "pod"]);
    await assert.rejects(tool.plan({ command: "id", sandbox: "local" }, context("/w")), /sandbox/);
  });

  it("P6: runs where the settings say, or where the agent chose, with the workspace named", async () => {
    const { tool, asked } = planned(["box", "pod"], () => "box");
    for (const args of [{ command: "id" }, { command: "id", sandbox: "pod" }]) {
      const ctx = context("/w");
      await tool.run(args, ctx, await tool.plan(args, ctx));
    }
    assert.deepEqual(
      asked.map(({ sandbox, workspace }) => [sandbox, workspace]),
      [
        ["box", "/w"],
        ["pod", "/w"],
      ],
    );
  });

  it("A32: what was planned for a sandbox runs there, though the settings say otherwise by then", async () => {
    let standard = "box";
    const { tool, asked } = planned([], () => standard);
    const ctx = context("/w");
    const plan = await tool.plan({ command: "id" }, ctx);
    assert.match(plan.preview, /the sandbox box/);
    standard = "local";
    await tool.run({ command: "id" }, ctx, plan);
    assert.equal(asked[0]?.sandbox, "box");
  });

  it("A33: a grant for a sandbox is none for this machine", async () => {
    const keys = ["local", "box", "pod"].map(
      async (name) => (await planned([], () => name).tool.plan({ command: "git status" }, context("/w"))).grantKey,
    );
    const all = await Promise.all(keys);
    assert.equal(new Set(all).size, 3);
    assert.ok(all.every((key) => key !== undefined));
  });
});
