// A pid that was a child's, and is somebody else's now: really given away, in a PID namespace where the next one can be chosen.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { join } from "node:path";
import { describe, it } from "node:test";
import { promisify } from "node:util";
import type { PidReuseReport } from "../support/given-pids.ts";
import { canRun, isRoot, mayRun } from "../support/root.ts";
import { FIGURES } from "../support/rounds.ts";

/** Root needs no user namespace, and some machines allow none. */
const NAMESPACE = [...(isRoot ? [] : ["--user", "--map-root-user"]), "--pid", "--fork", "--mount-proc", "--kill-child"];
/** The first process there reaps what the others leave, as a shell does while it waits. */
const SHELL = ["sh", "-c", '"$@"; exit $?', "sh"];

describe("a pid that changed hands", () => {
  it("F10, P21: is never signalled, whoever asks for an end; records say what became of the child", async (t) => {
    const chosen = canRun("unshare", ...NAMESPACE, "sh", "-c", "echo 100 > /proc/sys/kernel/ns_last_pid");
    if (!mayRun(t, "a PID namespace, and to choose the next pid in it", chosen)) return;
    const words = [...NAMESPACE, ...SHELL, process.execPath, join(import.meta.dirname, "../support/given-pids.ts")];
    const { stdout } = await promisify(execFile)("unshare", words);
    const { rounds, strangers, hit, wrong, survivors } = JSON.parse(stdout) as PidReuseReport;
    assert.deepEqual(hit, []);
    assert.deepEqual(wrong, []);
    assert.equal(survivors, 0);
    assert.ok(rounds > 0 && strangers === rounds * 7, `${strangers} strangers in ${rounds} rounds`);
    t.diagnostic(`${FIGURES} ${rounds} · strangers hit ${hit.length} of ${strangers}`);
  });
});
