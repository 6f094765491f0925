// Every kind of place a process can run in, made real for a test: what the host's settings say of it, and how it is taken away.
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { access, constants, copyFile, mkdir, mkdtemp, readFile, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { processes } from "../../src/keeper/testing/bed.ts";
import type { ProcessRow } from "../../src/protocol/rows.ts";
import { SshServer } from "./ssh-server.ts";

const run = promisify(execFile);
export type Kind = "local" | "bubblewrap" | "container" | "ssh" | "ssh without a keeper";

export interface Backend extends AsyncDisposable {
  readonly kind: Kind;
  /** Its name in the settings. */
  readonly sandbox: string;
  /** Its section of config.toml. */
  readonly config: string;
  /** What leaves its process group may outlive a kill, and numbers of signals come as codes. */
  readonly bestEffort: boolean;
  /** Sections of sandboxes that cannot be entered, and what must be said of each. */
  readonly broken: readonly { sandbox: string; config: string; says: RegExp }[];
  /** Takes the far end of this process away, with nobody asked. */
  destroy(row: ProcessRow): Promise<void>;
}

/** Why this backend cannot be had here; undefined: it can. On a machine that tests everything, it must be. */
export async function missing(kind: Kind): Promise<string | undefined> {
  const needs: Record<Kind, readonly string[]> = {
    local: [],
    bubblewrap: ["/usr/bin/bwrap"],
    container: ["/usr/bin/podman", "/usr/sbin/runc|/usr/bin/runc", "/bin/busybox"],
    ssh: ["/usr/sbin/sshd", "/usr/bin/ssh"],
    "ssh without a keeper": ["/usr/sbin/sshd", "/usr/bin/ssh"],
  };
  if (process.env.HEARTH_TEST_ALL === "1") return undefined;
  for (const need of needs[kind]) {
    const there = await Promise.all(
      need.split("|").map((file) =>
        access(file, constants.X_OK).then(
          () => true,
          () => false,
        ),
      ),
    );
    if (!there.includes(true)) return `there is no ${need}`;
  }
  return undefined;
}

/** Starts what it needs. */
export async function openBackend(kind: Kind): Promise<Backend> {
  switch (kind) {
    case "local":
      return { ...nothing, kind, sandbox: "local", config: "", destroy: endSupervisor };
    case "bubblewrap":
      return {
        ...nothing,
        kind,
        sandbox: "box",
        config: section("box", { kind, network: false }),
        destroy: endSupervisor,
      };
    case "container":
      return await containers();
    default:
      return await overSsh(kind);
  }
}

const nothing = { bestEffort: false, broken: [], [Symbol.asyncDispose]: async () => undefined };

/** A section of config.toml. */
export const section = (name: string, values: Readonly<Record<string, unknown>>): string =>
  `[sandboxes.${name}]\n${Object.entries(values)
    .map(([key, value]) => `${key} = ${JSON.stringify(value)}\n`)
    .join("")}`;

/** SIGKILL to the way in, and for `local`, which has none, to the keeper. */
async function endSupervisor(row: ProcessRow): Promise<void> {
  const all = await processes();
  const own = all.find((one) => one.pid === row.pid);
  const victim = row.environment === "local" ? own?.parent : own?.pid;
  if (victim !== undefined && victim > 1) process.kill(victim, "SIGKILL");
}

/** What Podman needs on a machine without systemd and with old control groups, and harms nowhere. */
export const podman = {
  program: "podman",
  global_options: ["--runtime", "runc", "--cgroup-manager", "cgroupfs"],
  options: ["--ulimit", "nofile=1024:1024", "--ulimit", "nproc=1000:1000"],
};

/** A root file system of one static program. */
export async function testRoot(folder: string): Promise<void> {
  const bin = join(folder, "bin");
  await mkdir(bin, { recursive: true });
  for (const name of ["tmp", "dev", "proc"]) await mkdir(join(folder, name));
  await copyFile("/bin/busybox", join(bin, "busybox"));
  const { stdout } = await run("/bin/busybox", ["--list"]);
  for (const name of stdout.split("\n"))
    if (name !== "" && name !== "busybox") await symlink("busybox", join(bin, name));
}

/** The same as an image of Podman, imported once and kept. */
export async function testImage(): Promise<string> {
  const busybox = await readFile("/bin/busybox");
  const image = `localhost/hearth-test:${createHash("sha256").update(busybox).digest("hex").slice(0, 12)}`;
  const there = await run("podman", ["image", "exists", image]).then(
    () => true,
    () => false,
  );
  if (there) return image;
  const folder = await mkdtemp(join(tmpdir(), "hearth-image-"));
  try {
    const [root, tar] = [join(folder, "root"), join(folder, "root.tar")];
    await testRoot(root);
    await run("tar", ["-C", root, "-cf", tar, "."]);
    await run("podman", ["import", "--quiet", tar, image]);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  return image;
}

async function containers(): Promise<Backend> {
  const image = await testImage();
  const common = { kind: "container", network: false, ...podman };
  return {
    ...nothing,
    kind: "container",
    sandbox: "pod",
    config: section("pod", { ...common, image }),
    broken: [
      {
        sandbox: "noimage",
        config: section("noimage", { ...common, image: "localhost/hearth-none:none" }),
        says: /image/i,
      },
      {
        sandbox: "noengine",
        config: section("noengine", { ...common, program: "no-such-engine", image }),
        says: /there is no no-such-engine/,
      },
    ],
    destroy: async (row) => {
      await run("podman", [...podman.global_options, "kill", "--signal", "KILL", `hearth-${row.process_id}`]);
    },
  };
}

async function overSsh(kind: "ssh" | "ssh without a keeper"): Promise<Backend> {
  const server = await SshServer.start();
  const keeper = kind === "ssh";
  const config = { kind: "ssh", host: server.host, options: server.options, keeper };
  const stranger = { ...config, options: server.options.map((word) => word.replace(/\/key$/, "/host")) };
  return {
    kind,
    sandbox: "far",
    config: section("far", config),
    bestEffort: !keeper,
    broken: [
      {
        sandbox: "refused",
        config: section("refused", { kind: "ssh", host: "127.0.0.1", options: ["-F", "none", "-p", "1"] }),
        says: /Connection refused/,
      },
      { sandbox: "stranger", config: section("stranger", stranger), says: /Permission denied/ },
    ],
    destroy: () => server.cut(true),
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}
