// A whole host, as a person starts it, and what those around it try: plant links, read its secrets, speak to its keepers.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import type { HearthClient } from "../../src/client/client.ts";
import { encodeFrame, frames, u32 } from "../../src/keeper/frames.ts";
import { eventually } from "../support/eventually.ts";
import { RunningHost, Watched } from "../support/running-host.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const KEY = "sk-canary-of-a-provider";

describe("a whole host under attack", () => {
  let host: RunningHost;
  let client: HearthClient;
  before(async () => {
    host = await RunningHost.start({ OPENAI_API_KEY: KEY, ANTHROPIC_API_KEY: KEY });
    client = await host.client();
  });
  after(() => host[Symbol.asyncDispose]());
  const start = (command: string) => client.call("process.start", { command });
  const ended = (process_id: string) => client.call("process.wait", { process_id, timeout: 60 });

  it("A42: gives a child neither its token nor a provider's key, not by its keeper either", async () => {
    const { process_id } = await start(
      "env; tr '\\0' '\\n' < /proc/$PPID/environ; tr '\\0' ' ' < /proc/$PPID/cmdline; echo; echo all of it",
    );
    const { output } = await ended(process_id);
    assert.match(output, /all of it/);
    assert.ok(!output.includes(KEY) && !output.includes(await host.token()) && !/HEARTH_(HOME|PORT)/.test(output));
  });

  it("A42, A31: reads and writes no file of its own for an agent, whatever the agent may do", async () => {
    const { session_id } = await client.call("session.create", {});
    await client.call("config.set", { key: "approvals", value: "off", session_id });
    using watched = new Watched(client, session_id);
    await writeFile(join(host.home, "config.toml"), `[providers.mine]\napi_key = "${KEY}"\n`);
    const text = [`read ${host.home}/token`, `read ${host.home}/config.toml`, `write ${host.home}/config.toml: x`];
    await client.call("prompt.submit", { session_id, text: text.join("\n") });
    await watched.seen("turn.ended");
    const results = watched.of("tool.complete").map(({ payload }) => JSON.stringify(payload));
    assert.equal(results.length, 3);
    for (const result of results) assert.match(result, /belongs to Hearth itself/);
    const said = JSON.stringify(watched.events);
    assert.ok(!said.includes(await host.token()) && !said.includes(KEY));
  });

  it("A50: lets nobody speak to a keeper without its secret, and tells of three who tried", async () => {
    const { process_id } = await client.call("process.start", { argv: ["sleep", "600"] });
    const path = join(host.home, "children", process_id, "sock");
    const attempts = [
      encodeFrame(frames.hello, Buffer.from("0".repeat(64))),
      encodeFrame(frames.hello, Buffer.alloc(0)),
      encodeFrame(frames.signal, u32(1), Uint8Array.of(9)),
    ];
    for (const attempt of attempts) {
      const socket = connect(path);
      let heard = 0;
      socket.on("data", (bytes) => {
        heard += bytes.length;
      });
      socket.on("error", () => undefined);
      socket.write(attempt);
      await once(socket, "close");
      assert.equal(heard, 0);
    }
    const log = join(host.home, "logs", "host.log");
    await eventually("it is told", async () => (await readFile(log, "utf8")).includes("with a wrong secret"));
    assert.equal((await client.call("process.poll", { process_id })).status, "running");
  });

  it("A51: believes no record of an end that the keeper has not signed", async () => {
    const { process_id } = await client.call("process.start", { argv: ["sleep", "600"] });
    const directory = join(host.home, "children", process_id);
    const keeper = Number(/^keeper=(\d+)$/m.exec(await readFile(join(directory, "live"), "utf8"))?.[1]);
    await writeFile(
      join(directory, "exit"),
      `kind=exited\ncode=0\ncore=0\nended=1\nbytes=0\nmark=x\nmac=${"0".repeat(64)}\nend\n`,
    );
    process.kill(keeper, "SIGKILL");
    const end = await ended(process_id);
    assert.deepEqual([end.exit_code, end.completion_reason], [null, "lost"]);
  });

  it("A16, A48: keeps its token and the keys out of everything it writes", async () => {
    const token = await host.token();
    await host.fetch(`/api/events?token=${token}`);
    await fetch(`${host.address}/metrics`, { headers: { authorization: `Bearer x${token}` } });
    const files = await readdir(host.home, { recursive: true, withFileTypes: true });
    for (const file of files.filter((one) => one.isFile() && !["token", "config.toml"].includes(one.name))) {
      const text = await readFile(join(file.parentPath, file.name), "latin1");
      assert.ok(!text.includes(token) && !text.includes(KEY), file.name);
    }
  });
});

describe("a home with something planted in it", () => {
  /** How `up` ended, and what it said, on a home that `plant` has prepared. */
  async function refusal(plant: (home: string, victim: string) => Promise<void>): Promise<[number | null, string]> {
    const base = await mkdtemp(join(tmpdir(), "hearth-planted-"));
    const [home, victim] = [join(base, "home"), join(base, "victim")];
    await mkdir(home, { mode: 0o700 });
    await plant(home, victim);
    const { PATH = "", HOME = "" } = process.env;
    const up = spawn(
      process.execPath,
      ["--disable-warning=ExperimentalWarning", "src/cli/main.ts", "up", "--no-open"],
      {
        cwd: root,
        env: { PATH, HOME, CI: "true", HEARTH_HOME: home, HEARTH_CONFIG: join(base, "config.toml"), HEARTH_PORT: "0" },
        stdio: ["ignore", "ignore", "pipe"],
      },
    );
    let said = "";
    up.stderr.setEncoding("utf8").on("data", (text: string) => {
      said += text;
    });
    const [code] = (await once(up, "close")) as [number | null];
    const grown = await readdir(victim).catch(async () => [await readFile(victim, "utf8").catch(() => "")]);
    assert.deepEqual(grown, [""], "what the link leads to is as it was");
    await rm(base, { recursive: true });
    return [code, said];
  }

  for (const name of ["host.sock", "token", "hearth.db", "lock.db", "logs/host.log", "logs", "children"])
    it(`A15: is refused where ${name} is a link`, async () => {
      const [code, said] = await refusal(async (home, victim) => {
        if (name.includes("/")) await mkdir(join(home, "logs"), { mode: 0o700 });
        await writeFile(victim, "");
        await symlink(victim, join(home, name));
      });
      assert.equal(code, 78, said);
      assert.ok(said.includes(name) && said.trimEnd().split("\n").length === 1, said);
    });
});
