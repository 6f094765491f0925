import assert from "node:assert/strict";
import { chmod, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { missing } from "../../test/support/backends.ts";
import { eventually } from "../../test/support/eventually.ts";
import { SshServer } from "../../test/support/ssh-server.ts";
import { alive, Bed, binaries } from "../keeper/testing/bed.ts";
import type { SandboxConfig } from "./configured.ts";
import { Sandboxes, type SandboxesOptions, type SandboxRequest } from "./sandboxes.ts";

let bed: Bed;
let folder: string;
before(async () => {
  bed = await Bed.make(await binaries.ordinary());
  folder = await mkdtemp(join(tmpdir(), "hearth-sandboxes-"));
});
after(async () => {
  await bed[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

function open(sandboxes: Record<string, SandboxConfig>, more: Partial<SandboxesOptions> = {}): Promise<Sandboxes> {
  return Sandboxes.open({
    settings: () => sandboxes,
    keepers: bed.keepers,
    adopted: [],
    keeperBinary: bed.binary,
    keeperFor: async () => undefined,
    home: bed.home,
    configFile: join(bed.home, "config.toml"),
    environment: { PATH: process.env.PATH ?? "", HOME: folder },
    onWarning: (text) => bed.warnings.push(text),
    ...more,
  });
}
const request = (id: string): SandboxRequest => ({
  ...{ id, cwd: tmpdir(), workspace: folder, mode: "pipe", session_id: null, limits: null },
});
const common = { environment: [], agent: true, options: [] };
const box: SandboxConfig = { ...common, kind: "bubblewrap", network: false, read: [], write: [] };

describe("entering a sandbox", () => {
  it("P39: says which package brings a program that is not there", async () => {
    const engines = { network: false, global_options: [], image: "x" };
    const sandboxes = await open(
      { box, pod: { ...common, ...engines, kind: "container" } },
      { environment: { PATH: folder, HOME: folder } },
    );
    await assert.rejects(
      sandboxes.enter("box", request("p1"), { argv: ["true"], env: {} }),
      /apt-get install bubblewrap/,
    );
    await assert.rejects(sandboxes.enter("pod", request("p2"), { argv: ["true"], env: {} }), /apt-get install podman/);
    await sandboxes.close();
  });

  it("P39: says how to allow what this machine forbids", async () => {
    const bin = await mkdtemp(join(folder, "bin-"));
    await writeFile(
      join(bin, "bwrap"),
      "#!/bin/sh\necho 'bwrap: No permissions to create new namespace' >&2; exit 1\n",
    );
    await chmod(join(bin, "bwrap"), 0o755);
    const sandboxes = await open({ box }, { environment: { PATH: `${bin}:/usr/bin:/bin`, HOME: folder } });
    await assert.rejects(
      sandboxes.enter("box", request("p3"), { argv: ["true"], env: {} }),
      /No permissions to create new namespace.*unprivileged_userns/,
    );
    await sandboxes.close();
  });

  it("P6: names those there are where there is none of that name, and sees another configuration at once", async () => {
    const known: Record<string, SandboxConfig> = { box };
    const sandboxes = await open(known);
    await assert.rejects(sandboxes.get("pod"), { reason: "sandbox_not_found", message: /local, box/ });
    const first = await sandboxes.get("box");
    assert.equal(await sandboxes.get("box"), first);
    known.box = { ...box, network: true };
    assert.notEqual(await sandboxes.get("box"), first);
    await sandboxes.close();
  });
});

describe("a sandbox that somebody has written", () => {
  const written = async (name: string, body: string): Promise<SandboxConfig> => {
    const file = join(folder, `${name}.mjs`);
    await writeFile(file, body);
    return { kind: "module", file, options: {}, environment: [], agent: true };
  };
  /** Opening is real work (a module is loaded) except where it never ends. */
  const patience = { openMs: 60_000, enterMs: 50, closeMs: 50 };
  const never = "new Promise(() => {})";

  it("P39: that never opens, is never entered or never lets go holds nobody up for ever, and is named", async () => {
    const shape = `kind: "slow", about: "", sameSystem: false, shell: ["sh", "-c"], limited: "here", startMs: 1`;
    const opens = await written("opens", `export const openSandbox = () => ${never};`);
    const enters = await written(
      "enters",
      `export const openSandbox = () => ({ ${shape}, enter: () => ${never}, close: () => ${never} });`,
    );
    const inside = { argv: ["true"], env: {} };
    const closed = await open({ opens }, { patience: { ...patience, openMs: 50 } });
    await assert.rejects(closed.enter("opens", request("p4"), inside), /"opens".* was not ready within 0\.05 s/);
    assert.match((await closed.list()).find(({ name }) => name === "opens")?.about ?? "", /was not ready/);
    await closed.close();
    const sandboxes = await open({ enters }, { patience });
    await assert.rejects(sandboxes.enter("enters", request("p5"), inside), /"enters".* no way in within 0\.05 s/);
    await sandboxes.close();
  });

  it("P6: that gives a way in too late has it taken away again", async () => {
    const late = await written(
      "late",
      `import { writeFileSync } from "node:fs";
      export const openSandbox = (options, context) => ({
        kind: "slow", about: "", sameSystem: false, shell: ["sh", "-c"], limited: "here", startMs: 1,
        enter: () => new Promise((resolve) => setTimeout(resolve, 200, { transport: { argv: ["true"], env: {}, cwd: "/" } })),
        cleanUp: async (id) => writeFileSync(${JSON.stringify(folder)} + "/cleaned", id),
      });`,
    );
    const sandboxes = await open({ late }, { patience });
    await assert.rejects(sandboxes.enter("late", request("p6"), { argv: ["true"], env: {} }), /no way in within/);
    const cleaned = () => readFile(join(folder, "cleaned"), "utf8").catch(() => "");
    await eventually("it is cleaned up", async () => (await cleaned()) === "p6");
    await sandboxes.close();
  });

  it("P5: that fails once the command runs has it ended, and what is left of it taken away", async () => {
    const fails = await written(
      "fails",
      `import { writeFileSync } from "node:fs";
      export const openSandbox = (options, { keeperBinary }) => ({
        kind: "wrong", about: "", sameSystem: true, shell: [], limited: "here", startMs: 10_000,
        enter: async () => ({ transport: { argv: [keeperBinary, "inside"], env: {}, cwd: "/" } }),
        wrap: async (child) => { throw new Error("not wrapped: " + child.live.pidInside); },
        cleanUp: async (id) => writeFileSync(${JSON.stringify(folder)} + "/" + id, "cleaned"),
      });`,
    );
    const sandboxes = await open({ fails });
    const id = "proc_00000000000f";
    const tag = `7${process.pid}`;
    const entered = await sandboxes.enter("fails", request(id), {
      argv: ["sleep", tag],
      env: { PATH: "/usr/bin:/bin" },
    });
    const starting = sandboxes.start(entered, { id, mode: "pipe", ...entered.spec });
    await assert.rejects(starting, /not wrapped: \d+$/);
    assert.deepEqual(await alive(`sleep ${tag}`), []);
    const cleaned = () => readFile(join(folder, id), "utf8").catch(() => "");
    await eventually("it is cleaned up", async () => (await cleaned()) === "cleaned");
    await sandboxes.close();
  });
});

describe("a far machine that is another kind of machine", () => {
  let server: SshServer;
  let why: string | undefined;
  before(async () => {
    why = await missing("ssh");
    if (why === undefined) server = await SshServer.start();
  });
  after(async () => {
    if (why === undefined) await server[Symbol.asyncDispose]();
  });

  const cases: [string, () => Promise<string | undefined>, RegExp][] = [
    ["there is no inside half for it", async () => undefined, /there is none for Linux/],
    [
      "the inside half does not run there",
      async () => {
        const file = join(folder, "another-keeper");
        await writeFile(file, "\u007fELF and nothing else");
        return file;
      },
      /does not run there/,
    ],
  ];
  for (const [name, keeperFor, says] of cases)
    it(`P6: has a shell in its place, best effort, where ${name}`, async (t) => {
      if (why !== undefined) return t.skip(why);
      const far: SandboxConfig = { ...common, kind: "ssh", host: server.host, keeper: true, options: server.options };
      const sandboxes = await open({ far }, { keeperFor });
      const id = `proc_${name.length.toString(16).padStart(12, "0")}`;
      const entered = await sandboxes.enter("far", request(id), { argv: ["sh", "-c", "echo said; exit 255"], env: {} });
      assert.equal(entered.bestEffort, true);
      assert.match(entered.notes.join(" "), says);
      const child = await sandboxes.start(entered, { id, mode: "pipe", ...entered.spec });
      assert.equal(child.live?.bestEffort, true);
      const end = await child.exited;
      assert.deepEqual(end.kind === "exited" && [end.code, end.signal], [255, null]);
      await child.closed;
      assert.equal((await child.spool.read(0, 100)).bytes.toString(), "said\n");
      await sandboxes.close();
    });
});
