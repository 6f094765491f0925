// What a sandbox is to keep from whoever runs in it: Hearth's own files, the person's home, the rest of the machine.
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, readFile, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { type Backend, missing, openBackend } from "../support/backends.ts";
import { Rounds } from "../support/rounds.ts";
import { refused, rpc } from "../support/rpc.ts";
import { RunningHost } from "../support/running-host.ts";

/** Puts a link in the place of a folder and the folder back, for ever, each for up to so many ms, at random. */
function swapper(folder: string, elsewhere: string, stays: number): ChildProcess {
  const script = `
    const { renameSync, symlinkSync } = require("node:fs");
    const [folder, elsewhere, stays] = process.argv.slice(1);
    const stay = () => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, Math.random() * stays);
    symlinkSync(elsewhere, folder + ".link");
    for (;;) {
      renameSync(folder, folder + ".aside"); renameSync(folder + ".link", folder); stay();
      renameSync(folder, folder + ".link"); renameSync(folder + ".aside", folder); stay();
    }`;
  return spawn(process.execPath, ["-e", script, folder, elsewhere, String(stays)], { stdio: "inherit" });
}

for (const kind of ["bubblewrap", "container"] as const)
  describe(`what a sandbox hides (${kind})`, () => {
    let why: string | undefined;
    const made = new AsyncDisposableStack();
    let backend: Backend;
    let host: RunningHost;
    /** The person's home, with everything in it. */
    let home: string;
    let workspace: string;

    before(async () => {
      why = await missing(kind);
      if (why !== undefined) return;
      backend = made.use(await openBackend(kind));
      home = await realpath(await mkdtemp(join(tmpdir(), "hearth-person-")));
      workspace = join(home, "work");
      const state = join(home, "state");
      for (const folder of ["work/sub", "state", ".ssh", "shown", "shared"])
        await mkdir(join(home, folder), { recursive: true, mode: 0o700 });
      await writeFile(join(home, ".ssh", "id"), "the private key");
      await writeFile(join(home, "shown", "file"), "to be read");
      const lists = kind === "bubblewrap" ? `read = ["~/shown"]\nwrite = ["~/shared"]\n` : "";
      const settings = `approvals = "off"\n[processes]\nsandbox = "${backend.sandbox}"\n${backend.config}${lists}environment = ["PASSED"]\n`;
      await writeFile(join(state, "config.toml"), settings, { mode: 0o600 });
      const env = { HOME: home, PASSED: "goes in", ANTHROPIC_API_KEY: "sk-ant-secret", UNNAMED: "stays out" };
      made.defer(() => rm(home, { recursive: true, force: true }));
      host = made.use(await RunningHost.start(env, [], state));
    });
    after(() => made.disposeAsync());

    async function inside(
      command: string,
      cwd = workspace,
    ): Promise<{ output: string; code: number | null; notes: string[] }> {
      const started = { command, cwd, sandbox: backend.sandbox };
      const { process_id, notes } = await rpc(host, "process.start", started);
      const { exit_code } = await rpc(host, "process.wait", { process_id, timeout: 30 });
      const output = await (await host.fetch(`/api/processes/${process_id}/output?from=0`)).text();
      return { output, code: exit_code, notes };
    }
    const test = (name: string, body: () => Promise<void>): void => {
      it(name, async (t) => (why === undefined ? await body() : t.skip(why)));
    };

    test("A42, A50, A51: Hearth's home, the token, the settings and the records of processes are not there", async () => {
      const { output } = await inside(
        `cat ${host.home}/token ${host.home}/config.toml; find ${host.home} -type f; find ${host.home} -type s; find / -name hearth.db -o -name host.sock 2>/dev/null; echo over`,
      );
      const token = await host.token();
      assert.ok(!output.includes(token));
      assert.ok(!output.includes("sandboxes."));
      const found = output.split("\n").filter((line) => line.startsWith("/") && !line.includes("No such file"));
      assert.deepEqual(found, []);
      assert.match(output, /over\n$/);
    });

    test("A34: the home is empty but for the workspace and what the settings name, the system cannot be written", async () => {
      const { output } = await inside(
        `cat ${home}/.ssh/id; touch ${home}/new ${workspace}/sub/made; ls -A ${home}/sub; ls /root`,
      );
      assert.ok(!output.includes("the private key"));
      assert.equal(await readFile(join(workspace, "sub", "made"), "utf8"), "");
      await assert.rejects(readFile(join(home, "new")));
      if (kind !== "bubblewrap") return;
      const lists = await inside(
        `cat ~/shown/file; echo x > ~/shown/file; echo more > ~/shared/made; touch /etc/made /usr/made && echo written; mount -o remount,rw / && echo remounted`,
      );
      assert.match(lists.output, /^to be read/);
      assert.ok(!/written|remounted/.test(lists.output));
      assert.equal(await readFile(join(home, "shown", "file"), "utf8"), "to be read");
      assert.equal(await readFile(join(home, "shared", "made"), "utf8"), "more\n");
    });

    test("A42, P3: of variables only those that are named go in; no process of the host can be seen or signalled", async () => {
      const { output } = await inside(
        `env; cat /proc/[0-9]*/environ | tr '\\0' '\\n'; kill -0 ${host.pid} && echo seen; ls /proc | grep -c '^[0-9]'`,
      );
      assert.match(output, /^PASSED=goes in$/m);
      assert.ok(!/sk-ant-secret|stays out|seen/.test(output));
      assert.ok(Number(output.trim().split("\n").at(-1)) < 12);
    });

    test("A43: without network it does not reach the host", async () => {
      const { port } = new URL(host.address);
      const { output } = await inside(
        `(echo | nc -w 2 127.0.0.1 ${port} || exec 3<>/dev/tcp/127.0.0.1/${port}) 2>&1 && echo reached; echo over`,
      );
      assert.ok(!output.includes("reached"), output);
    });

    test("A34: a workspace that holds what is hidden is not shared, and Hearth's own is refused", async () => {
      const { output, notes } = await inside(`cat ${home}/.ssh/id; ls ${home}`, home);
      assert.ok(!output.includes("the private key"));
      assert.match(notes.join(" "), /not shared/);
      const { data, message } = await refused(host, "process.start", {
        argv: ["true"],
        cwd: host.home,
        sandbox: backend.sandbox,
      });
      assert.equal(data.reason, "failed_start");
      assert.match(message, /Hearth's own folder/);
    });

    test("A34: a link that was put in the place of a session's folder shares nothing", async () => {
      const below = join(workspace, "below");
      await mkdir(below);
      const { session_id } = await rpc(host, "session.create", { workspace: below });
      await inside(`mv ${below} ${workspace}/aside; ln -s ${home}/.ssh ${below}`);
      const start = { argv: ["cat", "id"], session_id, sandbox: backend.sandbox };
      assert.match((await refused(host, "process.start", start)).message, /leads to .*\.ssh by now/);
    });

    it("A34: nor does one that comes and goes between the look at that folder and its mount", async (t) => {
      if (why !== undefined) return t.skip(why);
      const below = join(workspace, "swapped");
      await mkdir(below);
      await writeFile(join(below, "id"), "its own");
      const { session_id } = await rpc(host, "session.create", { workspace: below });
      const swapping = swapper(below, join(home, ".ssh"), kind === "bubblewrap" ? 10 : 200);
      const gone = once(swapping, "exit");
      const told = new Map<string, number>();
      const rounds = new Rounds(kind === "bubblewrap" ? 100 : 12);
      try {
        for (const _ of rounds) {
          const start = { argv: ["cat", `${below}/id`], session_id, sandbox: backend.sandbox };
          const what = await rpc(host, "process.start", start).then(
            async ({ process_id }) => (await rpc(host, "process.wait", { process_id, timeout: 30 })).output.trim(),
            ({ message }: Error) => (/put in its place/.test(message) ? "found out inside" : "refused"),
          );
          told.set(what, (told.get(what) ?? 0) + 1);
        }
      } finally {
        swapping.kill("SIGKILL");
        await gone;
      }
      t.diagnostic(JSON.stringify(Object.fromEntries(told)));
      rounds.report(t, "");
      assert.ok(!told.has("the private key"));
    });

    test("A34: the agent's commands run in there, and may not reach out by another folder", async () => {
      const { session_id } = await rpc(host, "session.create", { workspace });
      const { turn_id } = await rpc(host, "prompt.submit", {
        session_id,
        text: `run cat ${home}/.ssh/id ${host.home}/token; echo found nothing`,
      });
      const client = await host.client();
      const { promise, resolve } = Promise.withResolvers<void>();
      const results: string[] = [];
      using _following = client.follow(session_id, 0, (event) => {
        if (event.type === "tool.complete") results.push(JSON.stringify(event.payload));
        if (event.type === "turn.ended" && JSON.stringify(event.payload).includes(turn_id)) resolve();
      });
      await promise;
      assert.match(results.join(), /found nothing/);
      assert.ok(!results.join().includes("the private key"));
      assert.ok(!results.join().includes(await host.token()));
      const { processes } = await rpc(host, "process.list", { session_id });
      assert.deepEqual(
        processes.map(({ environment }) => environment),
        [backend.sandbox],
      );
    });
  });
