// The command line as a person or a script uses it: real processes, one home, from `up` to `down`.
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { text } from "node:stream/consumers";
import { after, before, describe, it } from "node:test";
import { startTickOf } from "../../src/cli/host-file.ts";
import { eventually } from "../support/eventually.ts";
import { canRun, mayRun } from "../support/root.ts";

const root = resolve(import.meta.dirname, "../..");
const main = join(root, "src/cli/main.ts");

describe("the command line", () => {
  let home: string;
  before(() => {
    home = mkdtempSync(join(tmpdir(), "hearth-command-line-"));
  });
  after(async () => {
    await hearth(["down", "--all"]);
    rmSync(home, { recursive: true, force: true });
  });

  const environment = () => ({
    ...{ PATH: process.env.PATH, HOME: home, CI: "true" },
    ...{ HEARTH_HOME: join(home, "state"), HEARTH_CONFIG: join(home, "config.toml"), HEARTH_PORT: "0" },
    // How it ends is meant here, not how soon: a disk that is busy may keep it longer than the second it has.
    HEARTH_SHUTDOWN_GRACE_S: "20",
  });
  const start = (words: readonly string[], env: Record<string, string> = {}): ChildProcess =>
    spawn(process.execPath, ["--disable-warning=ExperimentalWarning", main, ...words], {
      cwd: home,
      env: { ...environment(), ...env },
      stdio: ["pipe", "pipe", "pipe"],
    });
  async function hearth(words: readonly string[], options: { input?: string; env?: Record<string, string> } = {}) {
    const child = start(words, options.env);
    assert.ok(child.stdin !== null && child.stdout !== null && child.stderr !== null);
    child.stdin.end(options.input ?? "");
    const [out, err, [exitCode]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, "close")]);
    return { out, err, exitCode: exitCode as number | null };
  }
  const pid = (): number => (JSON.parse(readFileSync(join(home, "state/host.json"), "utf8")) as { pid: number }).pid;
  const ADDRESS = /^Hearth is ready: http:\/\/127\.0\.0\.1:\d+\/#ticket=\S+\n$/;

  it("A01: refuses to open the host to the network, with 78", async () => {
    const { exitCode, err } = await hearth(["up"], { env: { HEARTH_HOST: "0.0.0.0" } });
    assert.equal(exitCode, 78);
    assert.match(err, /allowed_hosts/);
  });

  it("P37: refuses a system it does not run on yet with 78, and says what to do", async () => {
    const windows = "data:text/javascript,Object.defineProperty(process,'platform',{value:'win32'})";
    const { exitCode, err } = await hearth(["up"], { env: { NODE_OPTIONS: `--import=${windows}` } });
    assert.equal(exitCode, 78);
    assert.match(err, /does not run on Windows yet, only on Linux and macOS: .* use it from here in a browser/);
  });

  it("refuses a home that is open to others with 78, in the background as well", async () => {
    const open = join(home, "open");
    mkdirSync(open);
    chmodSync(open, 0o755);
    for (const words of [["up"], ["up", "--detach"]]) {
      const { exitCode, err } = await hearth(words, { env: { HEARTH_HOME: open } });
      assert.deepEqual([words, exitCode], [words, 78]);
      assert.match(err, /open to other users/);
    }
  });

  it("names the program that has the port, with 1", async () => {
    await using taken = createServer().listen(0, "127.0.0.1");
    await once(taken, "listening");
    const address = taken.address();
    assert.ok(typeof address === "object" && address !== null);
    const { exitCode, err } = await hearth(["up", "--port", String(address.port)]);
    assert.equal(exitCode, 1);
    assert.match(err, process.platform === "linux" ? new RegExp(`process ${process.pid}\\)`) : /in use/);
  });

  it("starts a host in the background, and says where it runs when asked again", async () => {
    const first = await hearth(["up", "--detach"]);
    assert.deepEqual([first.exitCode, first.err], [0, ""]);
    assert.match(first.out, ADDRESS);
    const again = await hearth(["up"]);
    assert.equal(again.exitCode, 0);
    const at = /http:\/\/127\.0\.0\.1:\d+/;
    assert.equal(at.exec(again.out)?.[0], at.exec(first.out)?.[0]);
    const status = JSON.parse((await hearth(["status", "--json"])).out) as { running: boolean; pid: number };
    assert.deepEqual([status.running, status.pid], [true, pid()]);
  });

  it("waits with the process's own exit code, 128 + n for signal n", async () => {
    const id = (await hearth(["run", "--", "sh", "-c", "exit 7"])).out.trim();
    assert.equal((await hearth(["wait", id])).exitCode, 7);
    const killed = (await hearth(["run", "--", "sh", "-c", "kill -9 $$"])).out.trim();
    assert.equal((await hearth(["wait", killed])).exitCode, 137);
    assert.equal((await hearth(["wait", "proc_000000000000"])).exitCode, 1);
  });

  it("gives output exactly, from any offset, and sends input", async () => {
    const id = (
      await hearth(["run", "--name", "reader", "--", "sh", "-c", "read a; printf 'got %s\\033[1m' \"$a\""])
    ).out.trim();
    const { processes } = JSON.parse((await hearth(["ps", "--json"])).out) as { processes: { name: string }[] };
    assert.deepEqual(
      processes.map(({ name }) => name),
      ["reader"],
    );
    assert.equal((await hearth(["send", id, "this", "line"])).exitCode, 0);
    assert.equal((await hearth(["wait", id])).exitCode, 0);
    assert.equal((await hearth(["logs", id])).out, "got this line\x1b[1m");
    assert.equal((await hearth(["logs", "--since", "9", id])).out, "line\x1b[1m");
  });

  it("talks: the answer on standard output, the rest beside it, the outcome as exit code", async () => {
    const said = await hearth(["chat"], { input: "run echo from a tool\nsay all good\n" });
    assert.deepEqual([said.exitCode, said.out.trim()], [0, "all good"]);
    assert.match(said.err, /→ terminal echo from a tool\n[\s\S]*✓ terminal[\s\S]*from a tool/);
    const { sessions } = JSON.parse((await hearth(["sessions", "--json"])).out) as {
      sessions: { session_id: string }[];
    };
    const [session] = sessions;
    assert.ok(session !== undefined);
    await hearth(["chat", "--session", session.session_id, "say more"]);
    assert.match((await hearth(["show", session.session_id])).out, /all good[\s\S]*say more[\s\S]*more/);
    assert.match((await hearth(["export", "--format", "json", session.session_id])).out, /^\{[\s\S]*\}\n$/);
  });

  it("A21: puts files into a workspace and gets them back, and nothing from beside it", async () => {
    const workspace = join(home, "workspace");
    mkdirSync(join(workspace, "in"), { recursive: true });
    writeFileSync(join(home, "outside.txt"), "outside");
    await hearth(["chat", "--workspace", workspace, "say here"]);
    const { sessions } = JSON.parse((await hearth(["sessions", "--json"])).out) as {
      sessions: { session_id: string; workspace: string }[];
    };
    const there = ["--session", sessions.find((one) => one.workspace === workspace)?.session_id ?? ""];
    assert.deepEqual(await hearth(["put", ...there, "--to", "in", "outside.txt"]), {
      ...{ out: `${join(workspace, "in/outside.txt")}\n`, err: "", exitCode: 0 },
    });
    const again = await hearth(["put", ...there, "--to", "in", "outside.txt"]);
    assert.deepEqual([again.exitCode, /already/.test(again.err)], [1, true]);
    assert.equal((await hearth(["put", ...there, "--force", "--to", "in", "outside.txt"])).exitCode, 0);
    assert.equal((await hearth(["get", ...there, "in/outside.txt", "-o", "-"])).out, "outside");
    assert.equal((await hearth(["get", ...there, "in/outside.txt", "-o", "copy"])).exitCode, 0);
    assert.equal(readFileSync(join(home, "copy"), "utf8"), "outside");
    assert.equal((await hearth(["get", ...there, "in/outside.txt", "-o", "copy"])).exitCode, 1);
    assert.equal((await hearth(["get", ...there, "--force", "in/outside.txt", "-o", "copy"])).exitCode, 0);
    const asJson = async (...words: string[]) => JSON.parse((await hearth([...words, "--json"])).out) as unknown;
    const inside = join(workspace, "in/outside.txt");
    assert.deepEqual(await asJson("put", ...there, "--force", "--to", "in", "outside.txt"), { files: [inside] });
    assert.deepEqual(await asJson("get", ...there, "in/outside.txt", "-o", "json"), { file: join(home, "json") });
    assert.match(JSON.stringify(await asJson("get", ...there, "in/outside.txt", "--link")), /"url":"http.*#get=/);
    assert.equal((await hearth(["get", ...there, "in", "-o", "other"])).exitCode, 1);
    assert.equal((await hearth(["get", ...there, "../outside.txt", "-o", "other"])).exitCode, 1);
    assert.deepEqual(
      readdirSync(home).filter((name) => /part|other/.test(name)),
      [],
    );
  });

  it("A46: does not let a file command a terminal, and says how to see it", async (t) => {
    if (!mayRun(t, "script", canRun("script", "--version"))) return;
    const workspace = join(home, "workspace");
    writeFileSync(join(workspace, "odd.txt"), "\x1b]0;stolen\x07odd\n");
    const line = `${process.execPath} --disable-warning=ExperimentalWarning ${main} get odd.txt -o -`;
    const script = spawn("script", ["-qec", line, "/dev/null"], {
      ...{ cwd: workspace, env: environment() },
      stdio: ["ignore", "pipe", "inherit"],
    });
    const [out, [exitCode]] = await Promise.all([text(script.stdout), once(script, "close")]);
    assert.equal(exitCode, 2);
    assert.match(out, /`hearth get FILE -o - \| less` shows it, `-o NAME` keeps it/);
    assert.doesNotMatch(out, /stolen/);
  });

  it("prints every thing and every list as JSON as well", async () => {
    const json = async (...words: string[]) => JSON.parse((await hearth(words)).out) as Record<string, string>;
    const { process_id = "" } = await json("run", "--json", "--", "sleep", "300");
    const [inspected] = (await json("inspect", "--json", process_id)) as unknown as { process_id: string }[];
    assert.equal(inspected?.process_id, process_id);
    assert.deepEqual(await json("kill", "--json", process_id), { killed: [process_id] });
    assert.deepEqual(await json("token", "--json"), { token: (await hearth(["token"])).out.trim() });
    assert.match((await json("open", "--json")).url ?? "", /#ticket=[\w-]+$/);
    assert.match(
      (await json("open", ".", "--json")).url ?? "",
      new RegExp(`&dir=${encodeURIComponent(realpathSync(home))}$`),
    );
    assert.equal((await hearth(["open", "nowhere"])).exitCode, 1);
    const { sessions } = (await json("sessions", "--json")) as unknown as { sessions: { session_id: string }[] };
    assert.ok("messages" in (await json("export", "--json", sessions[0]?.session_id ?? "")));
  });

  it("A18: shares a process to watch, lists what is shared, and ends it", async () => {
    const id = (await hearth(["run", "--", "sleep", "300"])).out.trim();
    const made = await hearth(["share", "--minutes", "5", id]);
    assert.match(made.out, /^http:\/\/127\.0\.0\.1:\d+\/#watch=\S+\n$/);
    const { shares } = JSON.parse((await hearth(["share", "--list", "--json"])).out) as {
      shares: { share_id: string; process_id: string }[];
    };
    assert.deepEqual(
      shares.map(({ process_id }) => process_id),
      [id],
    );
    const [origin, secret = ""] = made.out.trim().split("/#watch=");
    const watch = () => fetch(`${origin}/api/watch`, { headers: { "x-hearth-watch": secret } });
    assert.equal(((await (await watch()).json()) as { id: string }).id, id);
    assert.equal((await hearth(["share", "--revoke", shares[0]?.share_id ?? ""])).exitCode, 0);
    assert.equal((await watch()).status, 401);
    assert.equal((await hearth(["share"])).exitCode, 2);
    await hearth(["kill", id]);
  });

  it("cancels a turn on Ctrl-C, with 130", async () => {
    const child = start(["chat", "run sleep 60"]);
    child.stdin?.end();
    assert.ok(child.stderr !== null);
    let seen = "";
    for await (const text of child.stderr.setEncoding("utf8").iterator({ destroyOnReturn: false })) {
      seen += String(text);
      if (seen.includes("→ terminal")) break;
    }
    child.kill("SIGINT");
    assert.deepEqual(await once(child, "exit"), [130, null]);
  });

  it("follows output and waits over a killed host, which comes back by itself", async () => {
    const script = "echo 0; read a; for i in 1 2 3; do echo $i; done; exit 5";
    const id = (await hearth(["run", "--", "sh", "-c", script])).out.trim();
    const following = start(["logs", "-f", id]);
    assert.ok(following.stdout !== null);
    let seen = "";
    following.stdout.on("data", (chunk: Buffer) => {
      seen += chunk.toString();
    });
    await once(following.stdout, "data");
    const waiting = hearth(["wait", id]);
    // One is the question itself, the other the wait: it has to be attached before the host dies.
    const clients = async (): Promise<number> =>
      (JSON.parse((await hearth(["status", "--json"])).out) as { clients: number }).clients;
    await eventually("it is attached", async () => (await clients()) >= 2);
    const before = pid();
    process.kill(before, "SIGKILL");
    await eventually("it is back", async () => pid() !== before && (await hearth(["status"])).exitCode === 0);
    const ended = once(following, "close");
    await hearth(["send", id, "go"]);
    assert.equal((await waiting).exitCode, 5);
    assert.deepEqual([await ended, seen], [[0, null], "0\n1\n2\n3\n"]);
  });

  it("stops in order, and leaves nothing running with --all", async () => {
    const id = (await hearth(["run", "--", "sleep", "300"])).out.trim();
    const host = pid();
    const down = await hearth(["down", "--all"]);
    assert.equal(down.exitCode, 0);
    // Ended, though its supervisor may not have asked yet how: until then the pid is still given.
    assert.equal(await startTickOf(host), undefined);
    assert.equal((await hearth(["status"])).exitCode, 1);
    // In the foreground this time: it tells on one line, finds the process ended, and leaves on SIGTERM with 0 and a reason.
    const up = start(["up"]);
    assert.ok(up.stdout !== null);
    const [line] = (await once(up.stdout, "data")) as [Buffer];
    assert.match(line.toString(), ADDRESS);
    assert.equal((await hearth(["wait", id])).exitCode, 143);
    up.kill("SIGTERM");
    assert.deepEqual(await once(up, "exit"), [0, null]);
    assert.match(readFileSync(join(home, "state/crash.log"), "utf8"), /SIGTERM: stopping in order/);
  });
});
