import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Result } from "../protocol/methods.ts";
import { ProcessRow } from "../protocol/rows.ts";
import { portsText, processTable } from "./ps.ts";
import { treeTable, usageTable } from "./stats.ts";

type Listed = Result<"process.list">["processes"][number];

const row = (more: Partial<Listed>): Listed => ({
  ...ProcessRow.parse({
    ...{ process_id: "proc_1", session_id: null, task_id: null, name: null, command: "npm run dev", argv: null },
    ...{ cwd: "/", notes: [], mode: "pipe", environment: "local", owner: "person", status: "running", pid: 1 },
    ...{ start_tick: "1", started_at: 0, ended_at: null, exit_code: null, signal: null, completion_reason: null },
    ...{ termination_source: null, reason: null, bytes_at_exit: null, closed: false, watch_patterns: [] },
    ...{ watch_hits: 0, notify_on_complete: false, recovered: false },
  }),
  ...{ uptime_s: 5, tail: "", session_scoped: false },
  ...more,
});

describe("hearth ps", () => {
  it("P36: shows ports and sandboxes where there are any, and no empty columns", () => {
    const plain = processTable([row({})], new Map(), undefined);
    assert.equal(plain.split("\n")[0], "PROCESS  STATUS   RAN  COMMAND");
    const ports = new Map([["proc_1", [{ address: "127.0.0.1", port: 5173 }]]]);
    const full = processTable([row({ environment: "box", environment_kind: "bubblewrap" })], ports, undefined);
    assert.deepEqual(
      full
        .split("\n")
        .at(1)
        ?.split(/\s{2,}/),
      ["proc_1", "running", "5 s", "5173", "box", "npm run dev"],
    );
  });

  it("P36: says how each one ended: by which code or signal, and at which limit", () => {
    const ended = (more: Partial<Listed>): string => {
      const [, line = ""] = processTable([row({ status: "exited", ...more })], new Map(), undefined).split("\n");
      return line.split(/\s{2,}/)[1] ?? "";
    };
    assert.equal(ended({ exit_code: 0 }), "exited (0)");
    assert.equal(ended({ exit_code: 3 }), "exited (3)");
    assert.equal(ended({ status: "killed", signal: "SIGKILL", limit_hit: "memory" }), "killed (SIGKILL, memory limit)");
    assert.equal(ended({ exit_code: 1, limit_hit: "pids" }), "exited (1, pids limit)");
    assert.equal(ended({ status: "lost" }), "lost");
    assert.equal(ended({ status: "running", recovered: true }), "running (adopted)");
  });

  it("A46: a command cannot command the terminal, and a table fits it", () => {
    const table = processTable([row({ command: `\u001b]0;x\u0007${"y".repeat(200)}` })], new Map(), 60);
    assert.doesNotMatch(table, /\p{Cc}(?<!\n)/u);
    for (const line of table.split("\n")) assert.ok([...line].length <= 60);
  });

  it("P36: writes a port once, and its address where that matters", () => {
    const any = { address: "0.0.0.0", port: 80 };
    assert.equal(portsText([any, { address: "::", port: 80 }]), "80");
    assert.equal(
      portsText([any, { address: "10.0.0.1", port: 81 }, { address: "fe80::1", port: 82 }]),
      "80, 10.0.0.1:81, [fe80::1]:82",
    );
  });

  it("P36: stats put the busiest first and say what is not known", () => {
    const sample = { reason: null, cpu: 0.5, memory_bytes: 1 << 20, processes: 2, threads: 3, listening: [] };
    const table = usageTable(
      [
        { ...sample, process_id: "proc_1" },
        { ...sample, process_id: "proc_2", cpu: 1.25 },
        { ...sample, process_id: "proc_3", cpu: null, memory_bytes: null, processes: null, reason: "far away" },
      ],
      new Map([["proc_1", { name: null, command: "a" }]]),
      undefined,
    );
    const lines = table.split("\n").slice(1);
    assert.deepEqual(
      lines.map((line) =>
        line
          .split(/\s{2,}/)
          .slice(0, 2)
          .join(" "),
      ),
      ["proc_2 125 %", "proc_1 50 %", "proc_3 –"],
    );
    assert.match(lines[2] ?? "", /\(far away\)$/);
  });

  it("P36: top shows each process below its parent", () => {
    const one = (pid: number, parent: number, name: string) => ({
      pid,
      parent,
      name,
      state: "S",
      cpu: null,
      memory_bytes: 0,
      threads: 1,
    });
    const table = treeTable([one(7, 1, "sh"), one(9, 1, "daemon"), one(8, 7, "node")], undefined);
    assert.deepEqual(
      table
        .split("\n")
        .slice(1)
        .map((line) => line.slice(line.lastIndexOf("1  ") + 3)),
      ["      sh", "        node", "      daemon"],
    );
  });
});
