// What holds of a process wherever it runs: the same tests for every backend, on a real host, from outside.
import assert from "node:assert/strict";
import { mkdtemp, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { processes } from "../../src/keeper/testing/bed.ts";
import type { Result } from "../../src/protocol/methods.ts";
import type { ProcessRow } from "../../src/protocol/rows.ts";
import { type Backend, type Kind, missing, openBackend } from "./backends.ts";
import { eventually } from "./eventually.ts";
import { refused, rpc } from "./rpc.ts";
import { RunningHost } from "./running-host.ts";

/** Marks processes so that they can be counted on this machine, wherever they run on it. */
export const markOf = (name: string): string => `hearth-mark-${process.pid}-${name}`;

/** How many processes carry the mark, zombies aside. */
export async function survivors(mark: string): Promise<number> {
  return (await processes()).filter((one) => one.state !== "Z" && one.command.includes(mark)).length;
}

/** Sleeps for long under a name that can be counted; `sh` waits for it, so it must not be the last command. */
const marked = (mark: string): string => `sh -c 'while :; do sleep 1; done' ${mark}`;

/** Seven ways to outlive a kill, as lines of a shell script. All read nothing and end by nothing but a signal. */
export const hostileTrees = (mark: string): readonly { name: string; script: string }[] => [
  { name: "double fork", script: `( ( ${marked(mark)} & ) & )` },
  { name: "a session of its own", script: `setsid ${marked(mark)} &` },
  {
    name: "an empty environment",
    script: `env -i "$(command -v setsid)" "$(command -v sh)" -c 'PATH=/bin:/usr/bin; while :; do sleep 1; done' ${mark} &`,
  },
  { name: "deaf to TERM", script: `sh -c 'trap "" TERM HUP INT; while :; do sleep 1; done' ${mark} &` },
  { name: "closed files", script: `setsid ${marked(mark)} <&- >&- 2>&- &` },
  { name: "stopped", script: `sh -c 'kill -STOP $$; while :; do sleep 1; done' ${mark} &` },
  { name: "holding the output", script: `( setsid ${marked(mark)} & ) &` },
];

export function conforms(kind: Kind): void {
  describe(`a process in ${kind === "local" ? "no sandbox" : `a sandbox (${kind})`}`, () => {
    let backend: Backend;
    let host: RunningHost;
    let workspace: string;
    let why: string | undefined;
    /** Also what a start that failed halfway has made. */
    const made = new AsyncDisposableStack();

    before(async () => {
      why = await missing(kind);
      if (why !== undefined) return;
      backend = made.use(await openBackend(kind));
      workspace = await realpath(await mkdtemp(join(tmpdir(), "hearth-work-")));
      const home = await realpath(await mkdtemp(join(tmpdir(), "hearth-host-")));
      const sections = [backend.config, ...backend.broken.map(({ config }) => config)];
      await writeFile(join(home, "config.toml"), sections.join("\n"), { mode: 0o600 });
      made.defer(() => rm(workspace, { recursive: true, force: true }));
      host = made.use(await RunningHost.start({}, [], home));
    });
    after(() => made.disposeAsync());

    const start = (script: string, more: Record<string, unknown> = {}): Promise<ProcessRow> =>
      rpc(host, "process.start", { argv: ["sh", "-c", script], cwd: workspace, sandbox: backend.sandbox, ...more });
    const ended = (row: ProcessRow): Promise<Result<"process.wait">> =>
      rpc(host, "process.wait", { process_id: row.process_id, timeout: 60 });
    const output = async (row: ProcessRow): Promise<string> =>
      (await host.fetch(`/api/processes/${row.process_id}/output?from=0`)).text();
    const says = (row: ProcessRow, text: string): Promise<void> =>
      eventually(`${row.process_id} says ${text}`, async () => (await output(row)).includes(text));
    const test = (name: string, body: () => Promise<void>): void => {
      it(name, async (t) => (why === undefined ? await body() : t.skip(why)));
    };

    test("P4, P6: is started inside, and says where it is and which process there", async () => {
      const row = await start('echo "I am $$ in $PWD"; read x');
      assert.equal(row.environment, backend.sandbox);
      assert.equal(row.environment_kind, kind === "ssh without a keeper" ? "ssh" : kind);
      assert.equal(row.best_effort, backend.bestEffort);
      await says(row, "I am ");
      if (!backend.bestEffort && kind !== "local")
        assert.match(await output(row), new RegExp(`^I am ${row.pid_inside} `));
      if (kind === "local") assert.equal(row.pid_inside, null);
      else assert.ok((row.pid_inside ?? 0) > 0);
      assert.match(await output(row), new RegExp(` in ${workspace}\n$`));
      await rpc(host, "process.submit", { process_id: row.process_id, data: "on" });
      assert.equal((await ended(row)).exit_code, 0);
    });

    test("P1: a command line goes to a shell there, with the variables that were given", async () => {
      const row = await rpc(host, "process.start", {
        command: 'echo "$SAID" | tr a-z A-Z; exit 4',
        env: { SAID: "a 'quoted' \"word\" and a $dollar" },
        cwd: workspace,
        sandbox: backend.sandbox,
      });
      assert.equal((await ended(row)).exit_code, 4);
      assert.match(await output(row), /A 'QUOTED' "WORD" AND A \$DOLLAR\n$/);
    });

    test("P7: output is there before the end, both kinds of it in order", async () => {
      const row = await start(
        "for i in 1 2 3 4 5 6 7 8; do echo out $i; echo err $i >&2; done; echo now; read x; echo after",
      );
      await says(row, "now");
      assert.match(await output(row), /^out 1\nerr 1\nout 2\nerr 2\nout 3\nerr 3\n/);
      assert.equal((await rpc(host, "process.poll", { process_id: row.process_id })).status, "running");
      await rpc(host, "process.submit", { process_id: row.process_id, data: "" });
      await ended(row);
      assert.match(await output(row), /now\nafter\n$/);
    });

    test("P15: takes input, and its end", async () => {
      const row = await start("cat; echo over");
      const { bytes } = await rpc(host, "process.write", { process_id: row.process_id, data: "one\ntwo" });
      assert.equal(bytes, 7);
      await says(row, "two");
      await rpc(host, "process.close", { process_id: row.process_id });
      assert.equal((await ended(row)).exit_code, 0);
      assert.equal(await output(row), "one\ntwoover\n");
    });

    test("P2: has a terminal of the size asked for, and hears of another one", async () => {
      const row = await start('trap "stty size; echo told" WINCH; stty size; while :; do sleep 0.1; done', {
        mode: "pty",
        rows: 31,
        cols: 97,
      });
      assert.equal(row.mode, "pty");
      await says(row, "31 97");
      await rpc(host, "process.resize", { process_id: row.process_id, rows: 40, cols: 110 });
      await says(row, "40 110");
      await says(row, "told");
      await rpc(host, "process.kill", { process_id: row.process_id });
      assert.equal((await rpc(host, "process.poll", { process_id: row.process_id })).status, "killed");
    });

    test("F16: tells its code and its signal exactly", async () => {
      const codes = await Promise.all(
        [0, 1, 3, 127, 254, 255].map(async (code) => [code, (await ended(await start(`exit ${code}`))).exit_code]),
      );
      assert.deepEqual(
        codes.map(([, told]) => told),
        codes.map(([code]) => code),
      );
      const signals = [1, 6, 9, 15];
      const told = await Promise.all(
        signals.map(async (n) => (await ended(await start(`ulimit -c 0; kill -${n} $$; sleep 9`))).exit_code),
      );
      // A shell that stands in can only say 128 + n.
      assert.deepEqual(told, backend.bestEffort ? signals.map((n) => 128 + n) : signals.map((n) => -n));
    });

    test("F17: no byte of 5 MB is missing or changed", async () => {
      const row = await start(
        "i=0; while [ $i -lt 80 ]; do head -c 65536 /dev/zero | tr '\\0' \"$(printf '\\\\%03o' $((97 + i % 26)))\"; i=$((i+1)); done",
      );
      assert.equal((await ended(row)).exit_code, 0);
      const wanted = Array.from({ length: 80 }, (_, i) => String.fromCharCode(97 + (i % 26)).repeat(65_536)).join("");
      const got = await output(row);
      assert.equal(got.length, wanted.length);
      assert.ok(got === wanted);
      assert.equal((await rpc(host, "process.poll", { process_id: row.process_id })).bytes_at_exit, wanted.length);
    });

    test("P20: a program that catches TERM ends by itself, and one that does not is killed after the grace", async () => {
      const polite = await start("trap 'echo bye; exit 6' TERM; echo ready; while :; do sleep 0.1; done");
      const deaf = await start("trap '' TERM; echo ready; while :; do sleep 0.1; done");
      await Promise.all([says(polite, "ready"), says(deaf, "ready")]);
      await Promise.all([
        rpc(host, "process.kill", { process_id: polite.process_id, grace: 20 }),
        rpc(host, "process.kill", { process_id: deaf.process_id, grace: 0.3 }),
      ]);
      const [one, other] = await Promise.all([ended(polite), ended(deaf)]);
      assert.deepEqual([one.exit_code, one.completion_reason, one.termination_source], [6, "killed", "process.kill"]);
      assert.equal(other.exit_code, backend.bestEffort ? 137 : -9);
      assert.match(await output(polite), /bye/);
    });

    test("P20, F11: a kill leaves nobody, whatever it tried", async () => {
      const mark = markOf(`kill-${kind.length}`);
      // In best effort, who leaves the group is not promised to be found: those that stay in it are.
      const trees = hostileTrees(mark).filter(({ script }) => !backend.bestEffort || !script.includes("setsid"));
      const row = await start(`${trees.map(({ script }) => script).join("\n")}\necho ready; while :; do sleep 1; done`);
      await says(row, "ready");
      await eventually("all are there", async () => (await survivors(mark)) >= trees.length);
      await rpc(host, "process.kill", { process_id: row.process_id, grace: 0.5 });
      await eventually("all are gone", async () => (await survivors(mark)) === 0);
      assert.equal((await rpc(host, "process.poll", { process_id: row.process_id })).status, "killed");
    });

    test("P32, F02: outlives the host that started it, and the next one has all of it", async () => {
      const mark = markOf(`adopt-${kind.length}`);
      const lives = await start(`echo one; read x; echo "got $x"; read y; exit 5 # ${mark}`);
      const quick = await start("echo before; sleep 1; echo meanwhile; exit 8");
      await Promise.all([says(lives, "one"), says(quick, "before")]);
      await host.kill9();
      await eventually(
        "the quick one has ended",
        async () => !(await processes()).some((one) => one.pid === quick.pid && one.state !== "Z"),
      );
      await host.restart();
      const row = await rpc(host, "process.poll", { process_id: lives.process_id });
      assert.deepEqual([row.status, row.recovered, row.environment], ["running", true, backend.sandbox]);
      await rpc(host, "process.submit", { process_id: lives.process_id, data: "word" });
      await says(lives, "got word");
      await rpc(host, "process.submit", { process_id: lives.process_id, data: "" });
      assert.equal((await ended(lives)).exit_code, 5);
      assert.equal((await ended(quick)).exit_code, 8);
      assert.equal(await output(quick), "before\nmeanwhile\n");
    });

    test("P39: a start that came to nothing is told as that, with why, and has no exit code", async () => {
      const nothing = { argv: ["/no/such/program"], cwd: workspace, sandbox: backend.sandbox };
      // A shell that stands in can only say 127.
      if (backend.bestEffort) assert.equal((await ended(await rpc(host, "process.start", nothing))).exit_code, 127);
      else {
        const failure = await refused(host, "process.start", nothing);
        assert.deepEqual([failure.data.reason, failure.data.errno], ["failed_start", "ENOENT"]);
      }
      for (const { sandbox, says: words } of backend.broken) {
        const failure = await refused(host, "process.start", { argv: ["true"], cwd: workspace, sandbox });
        assert.equal(failure.data.reason, "failed_start");
        assert.match(failure.message, words);
        const { process_id } = failure.data as unknown as { process_id: string };
        const row = await rpc(host, "process.poll", { process_id });
        assert.deepEqual([row.status, row.exit_code], ["failed_start", null]);
        assert.match(row.reason ?? "", words);
      }
    });

    test("P6, F03: is lost when what it runs in is gone, and nothing of it is left", async () => {
      const mark = markOf(`lost-${kind.length}`);
      const deaf = `sh -c 'trap "" TERM; while :; do sleep 1; done' ${mark}`;
      const script = `setsid ${marked(mark)} & ( ${marked(mark)} ) & ${deaf} & echo ready; ${marked(mark)}`;
      const row = await start(backend.bestEffort ? script.replaceAll("setsid", "") : script);
      await says(row, "ready");
      await eventually("all are there", async () => (await survivors(mark)) >= 4);
      await backend.destroy(row);
      const end = await ended(row);
      assert.deepEqual([end.completion_reason, end.exit_code], ["lost", null]);
      await eventually("nobody is left", async () => (await survivors(mark)) === 0);
    });
  });
}
