// Containers, through the command line of Podman or Docker: one for each process, or one that runs already for all.
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import path from "node:path";
import type { ContainerConfig } from "./configured.ts";
import { environmentFor } from "./errands.ts";
import { findProgram } from "./find-program.ts";
import { real, sharedFolder, within } from "./folders.ts";
import type { Said, Sandbox, SandboxContext, SandboxRequest, Way } from "./types.ts";
import { lastWords, SandboxFailed } from "./words.ts";

const KEEPER = "/.hearth-keeper";
/** How both programs find their engine, its settings and what they are logged in to. */
const engineVariables = [
  ...["XDG_RUNTIME_DIR", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "DBUS_SESSION_BUS_ADDRESS", "SSH_AUTH_SOCK"],
  ...["DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_CONFIG", "DOCKER_CERT_PATH", "DOCKER_TLS_VERIFY"],
  ...["CONTAINER_HOST", "CONTAINER_CONNECTION", "CONTAINERS_CONF", "CONTAINERS_STORAGE_CONF", "REGISTRY_AUTH_FILE"],
];
const START_MS = 60_000;
const HOW_TO_GET =
  "install podman: apt-get install podman (Debian, Ubuntu), dnf install podman (Fedora), or install docker";

/** Which containers are this home's, for whoever looks at them from outside and for those that were left behind. */
const homeLabel = (home: string): string => createHash("sha256").update(home).digest("hex").slice(0, 16);
const nameOf = (id: string): string => `hearth-${id}`;

export class Container implements Sandbox {
  readonly kind = "container";
  readonly sameSystem = false;
  // Not a login shell: its profile would replace the PATH that the image sets.
  readonly shell = ["/bin/sh", "-c"];
  readonly startMs = START_MS;
  readonly #config: ContainerConfig;
  readonly #context: SandboxContext;
  #program: string | undefined;
  #copied: Promise<string> | undefined;

  constructor(config: ContainerConfig, context: SandboxContext) {
    this.#config = config;
    this.#context = context;
  }

  get limited(): "inside" | "nowhere" {
    return this.#config.image === undefined ? "nowhere" : "inside";
  }
  get about(): string {
    const { program, image, container, network } = this.#config;
    const what =
      image === undefined ? `the container ${container}` : `${image}, ${network ? "with" : "without"} network`;
    return `${program === undefined ? "" : `${path.basename(program)}: `}${what}`;
  }

  async enter(request: SandboxRequest): Promise<Way> {
    const { image } = this.#config;
    return image === undefined ? await this.#exec(request) : await this.#own(request, image);
  }

  async #own(request: SandboxRequest, image: string): Promise<Way> {
    const { keeperBinary, home } = this.#context;
    const { workspace, only, notes } = await sharedFolder(this.#context, request);
    const cwd = await real(request.cwd);
    const seen = workspace !== null && within(cwd, workspace);
    if (!seen && workspace !== null) notes.push(`${cwd} is not in the container: it runs in ${workspace}.`);
    const words = [
      ...["run", "--interactive", "--rm", "--log-driver", "none", "--pull", "never"],
      ...["--name", nameOf(request.id), "--label", `hearth.home=${homeLabel(home)}`],
      ...(this.#config.network ? [] : ["--network", "none"]),
      ...mount(keeperBinary, KEEPER, true),
      ...(workspace === null ? [] : mount(workspace, workspace, false)),
      ...limitsOf(request),
      ...["--workdir", "/", "--entrypoint", KEEPER, ...this.#config.options],
      // Only from in there it is to be known for sure which limit was hit.
      ...[image, ...only, ...(watched(request) ? ["limits"] : []), "inside"],
    ];
    return { transport: await this.#transport(words), cwd: seen ? cwd : (workspace ?? "/"), notes };
  }

  /** Nobody can say here which folders of this machine a running container has: it is asked for the very path. */
  async #exec(request: SandboxRequest): Promise<Way> {
    const { container = "" } = this.#config;
    const file = await this.#copy(container);
    const there = await this.#engine(["exec", ...this.#config.options, container, "test", "-d", request.cwd]);
    const cwd = there.code === 0 ? request.cwd : "/";
    return {
      transport: await this.#transport(["exec", "--interactive", ...this.#config.options, container, file, "inside"]),
      cwd,
      notes: there.code === 0 ? [] : [`${request.cwd} is not in the container ${container}: it runs in /.`],
    };
  }

  /** Puts the inside half into a running container; again when it is another one by now. */
  async #copy(container: string): Promise<string> {
    const { keeperBinary } = this.#context;
    this.#copied ??= readFile(keeperBinary).then((bytes) =>
      createHash("sha256").update(bytes).digest("hex").slice(0, 12),
    );
    const file = `/tmp/.hearth-keeper-${await this.#copied}`;
    const there = await this.#engine(["exec", container, file, "version"]);
    if (there.code === 0) return file;
    const said = await this.#engine(["cp", keeperBinary, `${container}:${file}`]);
    if (said.code !== 0) throw new SandboxFailed(this.#context.name, `${this.#program} says "${lastWords(said.text)}"`);
    return file;
  }

  /** The container of a process whose client is gone: it ends by itself once its input has; this makes sure. */
  async cleanUp(id: string): Promise<void> {
    if (this.#config.image === undefined) return;
    await this.#remove(nameOf(id));
  }

  async #remove(name: string): Promise<void> {
    // `rm --force` alone asks first, and waits ten seconds for an answer.
    await this.#engine(["kill", "--signal", "KILL", name]);
    const said = await this.#engine(["rm", "--force", name]);
    if (said.code !== 0 && !/no such container|no container with/i.test(said.text))
      this.#context.warn(`The container ${name} could not be removed: ${lastWords(said.text)}`);
  }

  /** Removes this home's containers that belong to no process any more. `lives`: whether an id's process does. */
  async sweep(lives: (id: string) => boolean): Promise<void> {
    if (this.#config.image === undefined || (await this.#find()) === undefined) return;
    const label = `label=hearth.home=${homeLabel(this.#context.home)}`;
    const said = await this.#engine(["ps", "--all", "--filter", label, "--format", "{{.Names}}"]);
    if (said.code !== 0) return; // no engine answers: then nothing can be left in it either
    const names = said.text.split("\n").filter((name) => name.startsWith(nameOf("")));
    for (const name of names) if (!lives(name.slice(nameOf("").length))) await this.#remove(name);
  }

  async #find(): Promise<string | undefined> {
    if (this.#program !== undefined) return this.#program;
    const { program } = this.#config;
    for (const name of program === undefined ? ["podman", "docker"] : [program])
      this.#program ??= await findProgram(name, this.#context.environment.PATH);
    return this.#program;
  }

  async #words(words: readonly string[]): Promise<string[]> {
    const program = await this.#find();
    if (program === undefined)
      throw new SandboxFailed(
        this.#context.name,
        `there is no ${this.#config.program ?? "podman or docker"}: ${HOW_TO_GET}`,
      );
    return [program, ...this.#config.global_options, ...words];
  }

  async #transport(words: readonly string[]) {
    const env = environmentFor(this.#context.environment, engineVariables);
    // Where memory ran out, older monitors of Podman's (conmon) leave an empty file `oom` in the folder it was called in.
    return { argv: await this.#words(words), env, cwd: this.#context.home };
  }

  async #engine(words: readonly string[]): Promise<Said> {
    return await this.#context.run(await this.#words(words), { environment: engineVariables });
  }
}

/** In the container's own terms: it is in other control groups than the program that starts it. */
function limitsOf({ limits }: SandboxRequest): string[] {
  if (limits === null) return [];
  const { memory_bytes, cpus, pids } = limits;
  return [
    ...(memory_bytes === null ? [] : ["--memory", String(memory_bytes)]),
    ...(cpus === null ? [] : ["--cpus", String(cpus)]),
    ...(pids === null ? [] : ["--pids-limit", String(pids)]),
  ];
}

/** Those of its limits that something can run into. */
const watched = ({ limits }: SandboxRequest): boolean =>
  limits !== null && (limits.memory_bytes ?? limits.pids) !== null;

/** A path with a comma would end the option: such a one is passed in the older form. */
function mount(from: string, to: string, readonly: boolean): string[] {
  if (from.includes(",")) return ["--volume", `${from}:${to}${readonly ? ":ro" : ""}`];
  return ["--mount", `type=bind,source=${from},target=${to}${readonly ? ",readonly" : ""}`];
}
