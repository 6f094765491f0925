import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Child } from "../keeper/keepers.ts";
import type { TerminalRow } from "../protocol/rows.ts";
import { type Surroundings, Terminal } from "./terminal.ts";

describe("a terminal", () => {
  it("F23: whose end cannot be written down for want of room is not renamed, and nobody waits for that for ever", async (t) => {
    t.mock.timers.enable({ apis: ["setTimeout"] });
    const row = { terminal_id: "term_000000000000", status: "running", rows: 24, cols: 80 } as TerminalRow;
    // Its shell is gone, and the log has not taken it.
    const terminal = new Terminal(row, { end: { kind: "lost" } } as unknown as Child, {} as Surroundings);
    const renaming = assert.rejects(terminal.rename("new"), { reason: "storage_full" });
    t.mock.timers.tick(3_000);
    await renaming;
  });
});
