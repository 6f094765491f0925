// Against the kernel with whichever version has the three controllers here. Of version 2, what works without them (dividing
// a group) is tested against the kernel wherever there is one; what is written to its memory, cpu and pids files, and read
// from them, everywhere, against a directory tree that only looks like one.
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { access, mkdir, mkdtemp, readdir, readFile, rm, rmdir, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it, type TestContext } from "node:test";
import { eventually } from "../../test/support/eventually.ts";
import type { ProcessLimits } from "../protocol/rows.ts";
import {
  type Amounts,
  type Hit,
  type LimitSettings,
  Limits,
  NO_LIMITS,
  NOTHING_LIMITED,
  USUAL_PIDS,
} from "./limits.ts";
import { settle, survey } from "./machine.ts";

const MIB = 2 ** 20;
const SESSION = "ses_0123456789ab";

function settings(
  child: Partial<Amounts>,
  session: Partial<Amounts> = {},
  mode: LimitSettings["mode"] = "possible",
): LimitSettings {
  const { pids, ...rest } = { ...NO_LIMITS, ...child };
  return { mode, child: { ...rest, pids: pids ?? undefined }, session: { ...NO_LIMITS, ...session } };
}

let home: string;
before(async () => {
  home = await mkdtemp(join(tmpdir(), "hearth-limits-"));
});
after(() => rm(home, { recursive: true, force: true }));

const there = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );
const read = async (...path: string[]): Promise<string> => (await readFile(join(...path), "utf8")).trim();

/** A shell that is in these groups before it runs `script`, as the keeper would put it there. */
async function inGroups(groups: readonly string[], script: string): Promise<ChildProcess> {
  const join = groups.map((group) => `echo $$ > ${group}/cgroup.procs`).join("; ");
  return spawn("sh", ["-c", `${join}; ${script}`], { stdio: "ignore" });
}

/** What there is, with all three controllers: this process's own groups of version 1, or a group beside it of version 2. */
async function real(t: TestContext): Promise<{ limits: Limits; reopen: () => Promise<Limits> } | undefined> {
  const kernel = await groupBeside(t);
  const reopen = () => Limits.open({ home, pollMs: 20, ...(kernel === undefined ? {} : { kernel }) });
  const limits = await reopen();
  if (limits.offered.kind !== "none" && limits.offered.controllers.length === 3) return { limits, reopen };
  await limits[Symbol.asyncDispose]();
  t.skip(`needs control groups: ${JSON.stringify(limits.offered)}`);
  return undefined;
}

/** A group of version 2 with all controllers and nobody in it, as if this process stood in it; undefined: none can be had. */
async function groupBeside(t: TestContext): Promise<{ proc: string } | undefined> {
  const mountInfo = await readFile("/proc/self/mountinfo", "utf8").catch(() => "");
  const point = /^\S+ \S+ \S+ \/ (\S+) .* - cgroup2 /m.exec(mountInfo)?.[1] ?? "/nowhere";
  const handed = await read(point, "cgroup.subtree_control").catch(() => "");
  if (!["memory", "cpu", "pids"].every((one) => handed.split(" ").includes(one))) return undefined;
  const directory = await mkdtemp(join(point, "hearth-test-")).catch(() => undefined);
  if (directory === undefined) return undefined;
  t.after(() => eventually("the test's own group can go", () => rmdir(directory).then(() => true, () => false))); // biome-ignore format: one thought
  const proc = await mkdtemp(join(home, "proc-"));
  await mkdir(join(proc, "self"));
  await writeFile(join(proc, "self/mountinfo"), mountInfo);
  await writeFile(join(proc, "self/cgroup"), `0::${directory.slice(point.length)}\n`);
  return { proc };
}

/** What a group says, in the words of version 2. */
async function saidBy(prepared: { groups: readonly string[] }, file: string, of = "."): Promise<string> {
  if (prepared.groups.length === 1) return read(prepared.groups[0] ?? "", of, file);
  const [controller = ""] = file.split(".");
  const group = prepared.groups.find((one) => one.includes(`/${controller}/`)) ?? "";
  if (controller === "memory") return read(group, of, "memory.limit_in_bytes");
  if (controller !== "cpu") return read(group, of, file);
  return `${await read(group, of, "cpu.cfs_quota_us")} ${await read(group, of, "cpu.cfs_period_us")}`;
}

describe("limits with control groups of this machine's kernel", () => {
  it("A49: a child and its session get their limits, and both groups go when the child has ended", async (t) => {
    const { limits } = (await real(t)) ?? {};
    if (limits === undefined) return;
    await using _ = limits;
    const wanted = { id: "proc_000000000001", session_id: SESSION };
    const prepared = await limits.prepare(
      wanted,
      settings({ memory_bytes: 64 * MIB, cpus: 0.5, pids: 30 }, { memory_bytes: 128 * MIB, cpus: 2, pids: 20 }),
    );
    assert.deepEqual(prepared.limits, { memory_bytes: 64 * MIB, cpus: 0.5, pids: 30, enforced: true });
    assert.equal(prepared.groups.length, limits.offered.kind === "cgroup2" ? 1 : 3);
    assert.equal(await saidBy(prepared, "memory.max"), String(64 * MIB));
    assert.equal(await saidBy(prepared, "memory.max", ".."), String(128 * MIB));
    assert.equal(await saidBy(prepared, "cpu.max"), "50000 100000");
    assert.equal(await saidBy(prepared, "cpu.max", ".."), "200000 100000");
    assert.equal(await saidBy(prepared, "pids.max"), "20", "never more than its session");
    // A later start of the session with other settings changes them, up and down.
    const more = await limits.prepare(
      { ...wanted, id: "proc_000000000002" },
      settings({}, { memory_bytes: 256 * MIB, pids: 40 }),
    );
    assert.equal(await saidBy(prepared, "memory.max", ".."), String(256 * MIB));
    assert.equal(await saidBy(prepared, "pids.max", ".."), "40");
    const [group = ""] = prepared.groups;
    limits.release(prepared.groups);
    await eventually("the first is gone", async () => !(await there(group)));
    assert.ok(await there(join(group, "..")));
    limits.release(more.groups);
    await eventually("the session is gone", async () => !(await there(join(group, ".."))));
  });

  it("A49: too many processes and too much memory are noticed, once each, with the limit that was hit", async (t) => {
    const { limits } = (await real(t)) ?? {};
    if (limits === undefined) return;
    await using _ = limits;
    const cases: [Partial<Amounts>, Partial<Amounts>, string, Hit][] = [
      [
        { pids: 5 },
        { pids: 50 },
        "for i in 1 2 3 4 5 6 7 8; do sleep 30 & done",
        { limit: "pids", scope: "process", value: 5 },
      ],
      [{}, { pids: 6 }, "for i in 1 2 3 4 5 6 7 8; do sleep 30 & done", { limit: "pids", scope: "session", value: 6 }],
      [
        { memory_bytes: 32 * MIB },
        {},
        "exec head -c 100m /dev/zero | tail",
        { limit: "memory", scope: "process", value: 32 * MIB },
      ],
      [
        { memory_bytes: 32 * MIB },
        { memory_bytes: 64 * MIB },
        "exec head -c 100m /dev/zero | tail",
        { limit: "memory", scope: "process", value: 32 * MIB },
      ],
      [
        {},
        { memory_bytes: 32 * MIB },
        "exec head -c 100m /dev/zero | tail",
        { limit: "memory", scope: "session", value: 32 * MIB },
      ],
    ];
    for (const [n, [child, session, script, expected]] of cases.entries()) {
      const { groups, limits: row } = await limits.prepare(
        { id: `proc_00000000001${n}`, session_id: SESSION },
        settings(child, session),
      );
      const hits: Hit[] = [];
      const followed = limits.follow({ groups, limits: row }, (hit) => void hits.push(hit));
      const shell = await inGroups(groups, script);
      await once(shell, "exit");
      await followed.look();
      await followed.look();
      assert.deepEqual(hits, [expected], JSON.stringify(cases[n]));
      followed.stop();
      await limits.empty(groups);
      limits.release(groups);
      const [group = ""] = groups;
      await eventually("it is empty and gone", async () => !(await there(group)));
    }
  });

  it("A49: a session that is full is noticed also by a child that is far from its own limit", async (t) => {
    const { limits } = (await real(t)) ?? {};
    if (limits === undefined) return;
    await using _ = limits;
    const begin = async (id: string, script: string) => {
      const { groups, limits: row } = await limits.prepare({ id, session_id: SESSION }, settings({}, { pids: 6 }));
      const hits: Hit[] = [];
      const followed = limits.follow({ groups, limits: row }, (hit) => void hits.push(hit));
      await followed.look();
      return { groups, hits, followed, shell: await inGroups(groups, script) };
    };
    const first = await begin("proc_000000000021", "for i in 1 2 3; do sleep 30 & done; wait");
    const members = () => read(first.groups.find((one) => !/memory|cpu/.test(one)) ?? "", "cgroup.procs");
    await eventually("the first has four", async () => (await members()).split("\n").length === 4);
    const second = await begin("proc_000000000022", "for i in 1 2 3; do sleep 30 & done");
    await once(second.shell, "exit");
    await second.followed.look();
    assert.deepEqual(second.hits, [{ limit: "pids", scope: "session", value: 6 }]);
    for (const { followed, groups } of [first, second]) {
      followed.stop();
      await limits.empty(groups);
      limits.release(groups);
    }
    await eventually("both are gone", async () => !(await there(join(first.groups[0] ?? "", ".."))));
  });

  it("A49: what an earlier host left is cleared up, wherever it was, unless somebody is in it", async (t) => {
    const { limits: first, reopen } = (await real(t)) ?? {};
    if (first === undefined || reopen === undefined) return;
    const left = await first.prepare({ id: "proc_000000000021", session_id: "left" }, settings({ pids: 9 }));
    const used = await first.prepare({ id: "proc_000000000022", session_id: "used" }, settings({ pids: 9 }));
    const known = await first.prepare({ id: "proc_000000000023", session_id: "known" }, settings({ pids: 9 }));
    const shell = await inGroups(used.groups, "exec sleep 60");
    const [usedGroup = "", knownGroup = "", leftGroup = ""] = [used.groups[0], known.groups[0], left.groups[0]];
    await eventually("it is in its group", async () => (await read(usedGroup, "cgroup.procs")) === String(shell.pid));
    // As if it had been killed: nothing is put away. The next one is told of the places that were used.
    const elsewhere = join(usedGroup, "../../../..", "elsewhere");
    const old = join(elsewhere, "hearth", "0123456789ab");
    await mkdir(join(old, "no-session", "proc_1"), { recursive: true });
    const noted = await readFile(join(home, "control-groups"), "utf8");
    await writeFile(join(home, "control-groups"), `${noted}${old}\n/etc\n`);
    const next = await reopen();
    assert.equal(await there(old), false);
    await rmdir(join(elsewhere, "hearth"));
    await rmdir(elsewhere);
    next.adopt(known.groups);
    await next.sweep(new Set(known.groups));
    assert.deepEqual([await there(leftGroup), await there(usedGroup), await there(knownGroup)], [false, true, true]);
    shell.kill("SIGKILL");
    await once(shell, "exit");
    next.release(known.groups);
    await next.sweep(new Set());
    await next[Symbol.asyncDispose]();
    await first[Symbol.asyncDispose]();
    assert.deepEqual([await there(usedGroup), await there(join(usedGroup, "../.."))], [false, false]);
  });
});

describe("limits as settings and callers want them", () => {
  it("A49: a caller gets less than the settings allow, never more, and is told", async () => {
    await using limits = await Limits.open({ home });
    const most = settings({ memory_bytes: 64 * MIB, pids: 100 });
    const asked = limits.amounts(most, { memory_bytes: 32 * MIB, pids: 200, cpus: 0.5 });
    assert.deepEqual(asked.amounts, { memory_bytes: 32 * MIB, cpus: 0.5, pids: 100 });
    assert.deepEqual(asked.notes, ["It may have 100 processes, not the 200 processes asked for."]);
    assert.deepEqual(limits.amounts(most).notes, []);
  });

  it("A49: a machine without control groups limits nothing and says so, or starts nothing where that is required", async () => {
    const proc = join(home, "no-groups");
    await mkdir(join(proc, "self"), { recursive: true });
    await writeFile(join(proc, "self/mountinfo"), "22 1 0:20 / / rw - ext4 /dev/vda rw\n");
    await using limits = await Limits.open({ home, kernel: { proc } });
    assert.deepEqual(limits.offered, { kind: "none", controllers: [], why: "this machine has no control groups" });
    const wanted = { id: "proc_000000000031", session_id: null };
    const prepared = await limits.prepare(wanted, settings({ memory_bytes: 64 * MIB }));
    assert.deepEqual(prepared.groups, []);
    assert.equal(prepared.limits?.enforced, false);
    assert.deepEqual(prepared.notes, ["Its limits are not enforced: this machine has no control groups."]);
    await assert.rejects(limits.prepare(wanted, settings({ memory_bytes: 64 * MIB }, {}, "required")), {
      reason: "not_supported",
    });
    // Nothing is asked for: nothing is said.
    assert.deepEqual(await limits.prepare(wanted, settings({})), {
      limits: null,
      groups: [],
      required: false,
      notes: [],
    });
    assert.equal((await limits.prepare(wanted, NOTHING_LIMITED)).limits, null);
  });
});

/** What the kernel makes in a group of version 2, as plain files: they take every text, and nothing happens by itself. */
async function likeGroup(directory: string): Promise<void> {
  await mkdir(directory, { recursive: true });
  const files: Record<string, string> = {
    "cgroup.controllers": "cpuset cpu io memory pids\n",
    "cgroup.subtree_control": "",
    "cgroup.procs": "\n",
    "cgroup.kill": "",
    "memory.max": "",
    "memory.swap.max": "",
    "memory.events": "low 0\nhigh 0\nmax 0\noom 0\noom_kill 0\n",
    "memory.events.local": "low 0\nhigh 0\nmax 0\noom 0\noom_kill 0\n",
    "cpu.max": "",
    "pids.max": "",
    "pids.peak": "0\n",
    "pids.events": "max 0\n",
  };
  for (const [name, text] of Object.entries(files)) await writeFile(join(directory, name), text);
}

const byLimit = (hits: readonly Hit[]) => hits.toSorted((one, other) => one.limit.localeCompare(other.limit));

describe("limits with control groups of version 2, on a tree that looks like them", () => {
  async function make(): Promise<{ root: string; kernel: { proc: string }; group: (...path: string[]) => string }> {
    const root = await mkdtemp(join(home, "version2-"));
    const kernel = { proc: join(root, "proc") };
    await mkdir(join(kernel.proc, "self"), { recursive: true });
    // A container: its own group is the root of what it sees.
    await writeFile(
      join(kernel.proc, "self/mountinfo"),
      `31 23 0:28 /pod/me ${root}/fs rw,relatime - cgroup2 cgroup2 rw\n`,
    );
    await writeFile(join(kernel.proc, "self/cgroup"), "0::/pod/me/tree\n");
    const name = createHash("sha256").update(home).digest("hex").slice(0, 12);
    const group = (...path: string[]) => join(root, "fs/tree/hearth", name, ...path);
    for (const one of [
      join(root, "fs/tree"),
      join(root, "fs/tree/hearth"),
      group(),
      group(SESSION),
      group(SESSION, "proc_000000000041"),
    ])
      await likeGroup(one);
    return { root, kernel, group };
  }

  it("A49: finds its own group, divides it, and writes what the kernel wants to read", async () => {
    const { root, kernel, group } = await make();
    await using limits = await Limits.open({ home, kernel });
    assert.deepEqual(limits.offered, { kind: "cgroup2", controllers: ["memory", "cpu", "pids"] });
    const wanted = { id: "proc_000000000041", session_id: SESSION };
    const prepared = await limits.prepare(wanted, settings({ memory_bytes: 64 * MIB, cpus: 1.5 }, { cpus: 1 }));
    assert.deepEqual(prepared.groups, [group(SESSION, wanted.id)]);
    assert.deepEqual(prepared.limits, { memory_bytes: 64 * MIB, cpus: 1.5, pids: USUAL_PIDS, enforced: true });
    for (const divided of [join(root, "fs/tree"), group(), group(SESSION)])
      assert.equal(await read(divided, "cgroup.subtree_control"), "+memory +cpu +pids");
    assert.equal(await read(group(SESSION, wanted.id), "memory.max"), String(64 * MIB));
    assert.equal(await read(group(SESSION, wanted.id), "memory.swap.max"), "0");
    assert.equal(await read(group(SESSION, wanted.id), "cpu.max"), "100000 100000");
    assert.equal(await read(group(SESSION, wanted.id), "pids.max"), String(USUAL_PIDS));
    assert.equal(await read(group(SESSION), "cpu.max"), "100000 100000");
    assert.equal(await read(group(SESSION), "memory.max"), "max");
  });

  it("A49: reads who ran into a limit, and whose it was", async () => {
    const { kernel, group } = await make();
    await using limits = await Limits.open({ home, kernel, pollMs: 5 });
    const directory = group(SESSION, "proc_000000000041");
    const follow = (row: ProcessLimits) => {
      const hits: Hit[] = [];
      const followed = limits.follow({ groups: [directory], limits: row }, (hit) => void hits.push(hit));
      return { hits, followed };
    };
    const own = follow({ memory_bytes: 64 * MIB, cpus: null, pids: 8, enforced: true });
    await own.followed.look();
    assert.deepEqual(own.hits, []);
    await writeFile(join(directory, "pids.max"), "8\n");
    await writeFile(join(directory, "pids.peak"), "8\n");
    await writeFile(join(directory, "pids.events"), "max 3\n");
    await writeFile(join(directory, "memory.events"), "low 0\nhigh 0\nmax 9\noom 1\noom_kill 1\n");
    await writeFile(join(directory, "memory.events.local"), "low 0\nhigh 0\nmax 9\noom 1\noom_kill 1\n");
    await eventually("it is noticed without being asked", () => own.hits.length === 2);
    own.followed.stop();
    // It looks all the time, so also between two of the files above: which of the two it saw first is open.
    assert.deepEqual(byLimit(own.hits), [
      { limit: "memory", scope: "process", value: 64 * MIB },
      { limit: "pids", scope: "process", value: 8 },
    ]);
    // The same of its session.
    await writeFile(join(directory, "pids.max"), "max\n");
    await writeFile(join(directory, "memory.events.local"), "oom 0\noom_kill 1\n");
    await writeFile(join(group(SESSION), "pids.max"), "16\n");
    await writeFile(join(group(SESSION), "memory.max"), `${128 * MIB}\n`);
    const all = follow({ ...NO_LIMITS, enforced: true });
    await all.followed.look();
    all.followed.stop();
    assert.deepEqual(all.hits, [
      { limit: "memory", scope: "session", value: 128 * MIB },
      { limit: "pids", scope: "session", value: 16 },
    ]);
    // Who ends it sets the limit to nothing: that is no hit. And a machine without memory is nobody's limit.
    await writeFile(join(directory, "pids.max"), "0\n");
    await writeFile(join(group(SESSION), "memory.max"), "max\n");
    const none = follow({ ...NO_LIMITS, enforced: true });
    await none.followed.look();
    none.followed.stop();
    assert.deepEqual(none.hits, []);
  });
});

/** A group of a real hierarchy of version 2 with one controller, whichever; undefined where there is none to be had. */
async function realVersion2(t: TestContext): Promise<{ directory: string; controller: string } | undefined> {
  const mounts = await readFile("/proc/self/mountinfo", "utf8");
  const point = /^\S+ \S+ \S+ \S+ (\S+) .* - cgroup2 /m.exec(mounts)?.[1] ?? "/nowhere";
  const [controller] = (await read(point, "cgroup.controllers").catch(() => "")).split(" ").filter(Boolean);
  const directory = join(point, `hearth-test-${process.pid}`);
  const control = join(point, "cgroup.subtree_control");
  const possible = controller !== undefined && (await mkdir(directory).then(() => true, () => false)); // biome-ignore format: one thought
  if (!possible) {
    t.skip("needs a writable hierarchy of version 2 with a controller, whichever");
    return undefined;
  }
  // Groups below have it only where it is handed down; afterwards all is as it was.
  if (!(await readFile(control, "utf8")).split(/\s+/).includes(controller)) {
    await writeFile(control, `+${controller}`);
    t.after(() => writeFile(control, `-${controller}`));
  }
  return { directory, controller };
}

describe("a real group of version 2 with processes in it", () => {
  it("A49: is divided by moving the host aside, and not where others are in it", async (t) => {
    const real = await realVersion2(t);
    if (real === undefined) return;
    const { directory, controller } = real;
    const script = `
      const { settle } = await import(${JSON.stringify(new URL("./machine.ts", import.meta.url).href)});
      const { writeFile, readFile } = await import("node:fs/promises");
      await writeFile(${JSON.stringify(`${directory}/cgroup.procs`)}, String(process.pid));
      const place = { version: 2, controllers: [${JSON.stringify(controller)}], directory: ${JSON.stringify(directory)} };
      try {
        console.log(await settle(place, "0123456789ab"));
        console.log((await readFile("/proc/self/cgroup", "utf8")).split("\\n").find((line) => line.startsWith("0::")));
      } catch (error) { console.log(error.message); }
    `;
    const run = async (): Promise<string[]> => {
      const child = spawn(process.execPath, ["--input-type=module", "-e", script], {
        stdio: ["ignore", "pipe", "inherit"],
      });
      let out = "";
      child.stdout.setEncoding("utf8").on("data", (text: string) => {
        out += text;
      });
      await once(child, "close");
      return out.trim().split("\n");
    };
    const stranger = spawn("sleep", ["60"], { stdio: "ignore" });
    try {
      await writeFile(join(directory, "cgroup.procs"), String(stranger.pid));
      assert.match((await run()).join(), /has other processes in it/);
      stranger.kill("SIGKILL");
      await once(stranger, "exit");
      await eventually("the group is empty", async () => (await read(directory, "cgroup.procs")) === "");
      const [base, line] = await run();
      assert.equal(base, join(directory, "hearth/0123456789ab"));
      assert.ok(line?.endsWith(`/${directory.split("/").at(-1)}/hearth-host`), line);
      assert.equal(await read(directory, "hearth", "cgroup.subtree_control"), controller);
    } finally {
      stranger.kill("SIGKILL");
      for (const below of ["hearth/0123456789ab", "hearth", "hearth-host", ""])
        await eventually(`${below} can go`, () => rmdir(join(directory, below)).then(() => true, (error: NodeJS.ErrnoException) => error.code === "ENOENT")); // biome-ignore format: one thought
    }
  });
});

describe("what a machine offers", () => {
  it("A49: is read from mounts and groups, also where names are odd, hidden or not to be written", async () => {
    const root = await mkdtemp(join(home, "survey-"));
    const proc = join(root, "proc");
    await mkdir(join(proc, "self"), { recursive: true });
    const odd = join(root, "a b");
    await mkdir(join(odd, "me"), { recursive: true });
    const write = (mounts: string[], groups: string[]) =>
      Promise.all([
        writeFile(join(proc, "self/mountinfo"), mounts.join("\n")),
        writeFile(join(proc, "self/cgroup"), groups.join("\n")),
      ]);
    await write([`1 1 0:1 / ${odd.replaceAll(" ", "\\040")} rw - cgroup cgroup rw,pids`], ["3:pids:/me"]);
    const found = await survey({ proc });
    assert.deepEqual(found.places, [{ version: 1, controllers: ["pids"], directory: join(odd, "me") }]);
    assert.match(found.why ?? "", /do not offer memory, cpu/);
    // The group of this process is outside of what the mount shows.
    await write([`1 1 0:1 /other ${odd} rw - cgroup cgroup rw,pids`], ["3:pids:/me"]);
    assert.deepEqual((await survey({ proc })).places, []);
    await write([`1 1 0:1 / ${odd} rw - cgroup cgroup rw,pids`], ["3:pids:/nobody"]);
    assert.match((await survey({ proc })).why ?? "", /may not be written \(ENOENT\)/);
    await assert.rejects(settle({ version: 2, controllers: ["pids"], directory: join(root, "none") }, "x"));
    assert.deepEqual(await readdir(join(odd, "me")), [], "looking changes nothing");
  });
});
