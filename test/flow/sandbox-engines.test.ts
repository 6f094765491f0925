// Containers beyond what every sandbox promises: Docker's words, a container that runs already, and none left behind.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdir, mkdtemp, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { promisify } from "node:util";
import { defaultOutFile } from "../../native/compile.mjs";
import { missing, podman, section, testImage } from "../support/backends.ts";
import { eventually } from "../support/eventually.ts";
import { type RecordingEngine, recordingEngine } from "../support/recording-engine.ts";
import { rpc } from "../support/rpc.ts";
import { RunningHost } from "../support/running-host.ts";

const engine = (...words: string[]) => promisify(execFile)("podman", [...podman.global_options, ...words]);
const names = async (): Promise<string[]> => (await engine("ps", "--all", "--format", "{{.Names}}")).stdout.split("\n");

describe("containers", () => {
  let folder: string;
  let host: RunningHost;
  let recorded: RecordingEngine;
  let why: string | undefined;
  const made = new AsyncDisposableStack();
  const running = `hearth-test-running-${process.pid}`;
  const left = `hearth-proc_${process.pid.toString(16).padStart(12, "0")}`;

  before(async () => {
    why = await missing("container");
    if (why !== undefined) return;
    folder = await realpath(await mkdtemp(join(tmpdir(), "hearth-engines-")));
    const [home, workspace] = [join(folder, "home"), join(folder, "work")];
    await mkdir(home, { mode: 0o700 });
    await mkdir(workspace);
    recorded = await recordingEngine(folder, defaultOutFile);
    const image = await testImage();
    made.defer(() => rm(folder, { recursive: true, force: true }));
    made.defer(async () => void (await engine("rm", "--force", "--ignore", "--time", "0", running, left)));
    // One that an earlier host of this home has left behind, and one that is somebody else's.
    const label = createHash("sha256").update(home).digest("hex").slice(0, 16);
    const still = ["--network", "none", ...podman.options, "--entrypoint", "sleep", image, "1000"];
    await engine("run", "--detach", "--name", left, "--label", `hearth.home=${label}`, ...still);
    await engine("run", "--detach", "--name", running, ...still);
    const sections = [
      section("docker", {
        kind: "container",
        program: recorded.program,
        image: "alpine:3",
        options: ["--user", "5:5"],
      }),
      section("pod", { kind: "container", network: false, ...podman, image }),
      section("shared", { kind: "container", ...podman, options: [], container: running }),
    ];
    await writeFile(join(home, "config.toml"), sections.join("\n"), { mode: 0o600 });
    host = made.use(await RunningHost.start({}, [], home));
  });
  after(() => made.disposeAsync());
  const test = (name: string, body: () => Promise<void>): void => {
    it(name, async (t) => (why === undefined ? await body() : t.skip(why)));
  };

  test("P6: Docker is told what Podman is (its words are recorded by a stand-in: there is no Docker here)", async () => {
    const cwd = join(folder, "work");
    const env = { SECRET: "never on a command line" };
    const limits = { memory_bytes: 2 ** 28, cpus: 1.5, pids: 50 };
    const started = { argv: ["sh", "-c", "echo ran; exit 3"], cwd, env, limits, sandbox: "docker" };
    const row = await rpc(host, "process.start", started);
    assert.equal((await rpc(host, "process.wait", { process_id: row.process_id, timeout: 60 })).exit_code, 3);
    const call = (await recorded.calls()).find((words) => words[0] === "run") ?? [];
    assert.deepEqual(call.slice(0, 8), [
      "run",
      "--interactive",
      "--rm",
      "--log-driver",
      "none",
      "--pull",
      "never",
      "--name",
    ]);
    const line = call.join(" ");
    for (const words of [
      `--name hearth-${row.process_id} `,
      `--mount type=bind,source=${cwd},target=${cwd} `,
      "target=/.hearth-keeper,readonly ",
      "--entrypoint /.hearth-keeper ",
      "--memory 268435456 --cpus 1.5 --pids-limit 50 ",
    ])
      assert.ok(line.includes(words), `${words}: ${line}`);
    assert.match(line, / --user 5:5 alpine:3 same \S+ \d+:\d+ \S+ limits inside$/);
    assert.ok(!line.includes("SECRET") && !line.includes("echo ran"));
    assert.equal(row.limits?.enforced, true);
  });

  test("P6, P20: a running container serves many, and outlives them all", async () => {
    const scripts = ["echo one; exit 4", "setsid sleep 1000 & echo two; sleep 1000"];
    const [quick, slow] = await Promise.all(
      scripts.map((script) =>
        rpc(host, "process.start", { argv: ["sh", "-c", script], cwd: "/tmp", sandbox: "shared" }),
      ),
    );
    assert.ok(quick && slow);
    assert.equal((await rpc(host, "process.wait", { process_id: quick.process_id, timeout: 60 })).exit_code, 4);
    await rpc(host, "process.kill", { process_id: slow.process_id, grace: 1 });
    const { stdout } = await engine("exec", running, "ps");
    assert.equal(stdout.match(/sleep 1000/g)?.length, 1, stdout); // its own
    assert.ok((await names()).includes(running));
  });

  test("P5: what a host that died has left behind is removed by the next, and nobody else's", async () => {
    await eventually("it is gone", async () => !(await names()).includes(left));
    assert.ok((await names()).includes(running));
  });

  test("P6, P5: when its client is killed the process is lost, and its container goes too", async () => {
    const row = await rpc(host, "process.start", {
      argv: ["sleep", "1000"],
      cwd: join(folder, "work"),
      sandbox: "pod",
    });
    const name = `hearth-${row.process_id}`;
    assert.ok((await names()).includes(name));
    process.kill(row.pid ?? 0, "SIGKILL");
    const end = await rpc(host, "process.wait", { process_id: row.process_id, timeout: 30 });
    assert.deepEqual([end.completion_reason, end.exit_code], ["lost", null]);
    await eventually("its container is gone", async () => !(await names()).includes(name));
  });
});
