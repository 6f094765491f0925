import assert from "node:assert/strict";
import { describe, it } from "node:test";
import * as z from "zod";
import { context } from "../../test/support/tool-call.ts";
import type { Processes } from "../processes/processes.ts";
import { BadArguments, defaultToolSettings, defineTool, MAX_RESULT, ok, type ToolOutcome } from "./tool.ts";
import { buildTools } from "./tools.ts";

const schema = z.strictObject({ count: z.number().int(), name: z.string().optional() });
const tool = (run: () => Promise<ToolOutcome>) =>
  defineTool({
    name: "counting",
    description: "",
    parameters: schema,
    afterCrash: "again",
    plan: async () => ({ preview: "" }),
    run,
  });

describe("a tool", () => {
  it("P35: says in one sentence what is wrong with its arguments", async () => {
    const counting = tool(async () => ok("done"));
    await assert.rejects(counting.plan({ count: "many" }, context("/")), (error) => {
      assert.ok(error instanceof BadArguments);
      assert.equal(error.message, "Bad arguments for counting: count: expected number, received string");
      return true;
    });
    await assert.rejects(
      counting.run({ count: 1, colour: "red" }, context("/"), { preview: "" }),
      /no such argument: colour/,
    );
    await assert.rejects(counting.plan({}, context("/")), /count: /);
  });

  it("P35: takes null for an argument that is left out", async () => {
    const outcome = await tool(async () => ok("done")).run({ count: 1, name: null }, context("/"), { preview: "" });
    assert.equal(outcome.result, "done");
  });

  it("S8: turns whatever goes wrong into a failed result", async () => {
    const outcome = await tool(async () => {
      throw new Error("the disk is on fire");
    }).run({ count: 1 }, context("/"), { preview: "" });
    assert.deepEqual(outcome, { status: "failed", result: "the disk is on fire" });
  });

  it("S7: a cancel is the only thing that is thrown while it runs", async () => {
    const cancel = new AbortController();
    const breaking = tool(async () => {
      cancel.abort(new Error("cancelled"));
      throw new Error("broken by the cancel");
    });
    await assert.rejects(
      breaking.run({ count: 1 }, context("/", { signal: cancel.signal }), { preview: "" }),
      /^Error: cancelled$/,
    );
  });

  it("bounds what the model is told", async () => {
    const { result } = await tool(async () => ok("x".repeat(MAX_RESULT * 2))).run({ count: 1 }, context("/"), {
      preview: "",
    });
    assert.ok(result.length <= MAX_RESULT);
    assert.match(result, /\[cut: the result was longer\]$/);
  });
});

describe("the agent's tools", () => {
  const processes = {} as Processes;
  const tools = buildTools({ processes, settings: () => defaultToolSettings, ask: async () => "" });

  it("P35: are the six, each with a description and a JSON schema that refuses unknown arguments", () => {
    assert.deepEqual([...tools.keys()], ["terminal", "process", "read_file", "write_file", "search_files", "clarify"]);
    for (const { spec } of tools.values()) {
      assert.ok(spec.description.length > 80, spec.name);
      assert.equal(spec.parameters.type, "object");
      assert.equal(spec.parameters.additionalProperties, false);
    }
  });

  it("P35: explain every argument", () => {
    for (const { spec } of tools.values()) {
      const properties = spec.parameters.properties as Record<string, { description?: string }>;
      for (const [name, property] of Object.entries(properties)) {
        assert.ok((property.description ?? "").length > 10, `${spec.name}.${name}`);
      }
    }
  });
});
