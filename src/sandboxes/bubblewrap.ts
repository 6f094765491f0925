// Bubblewrap: this machine's system, read-only, with a process tree, a home and a /tmp of its own. Starts in 10 ms.
import { access, constants, stat } from "node:fs/promises";
import { HOW_TO_GET, PROBE, remedyFor } from "./bubblewrap-probe.ts";
import type { BubblewrapConfig } from "./configured.ts";
import { environmentFor } from "./errands.ts";
import { findProgram } from "./find-program.ts";
import { real, sharedFolder, within } from "./folders.ts";
import type { Sandbox, SandboxContext, SandboxRequest, Way } from "./types.ts";
import { lastWords, SandboxFailed } from "./words.ts";

const KEEPER = "/run/hearth-keeper";
/** Where names are looked up may lie below /run, which is hidden for its sockets. */
const resolvers = ["/run/systemd/resolve", "/run/resolvconf", "/run/NetworkManager/resolv.conf", "/run/connman"];

/** Whether `bwrap` is there and may be used is found out at the first start, whose error says how to get it. */
export function openBubblewrap(config: BubblewrapConfig, context: SandboxContext): Sandbox {
  let checked: Promise<string> | undefined;
  return {
    kind: "bubblewrap",
    about: `the system read-only, ${config.network ? "with" : "without"} network`,
    sameSystem: true,
    shell: [],
    limited: "here",
    startMs: 10_000,
    async enter(request) {
      checked ??= usable(context);
      const program = await checked.catch((error: unknown) => {
        checked = undefined; // it may be installed meanwhile
        throw error;
      });
      return await words(program, config, context, request);
    },
  };
}

/** The program, once it is known that it may do here what it is for. Throws SandboxFailed. */
async function usable(context: SandboxContext): Promise<string> {
  const program = await findProgram("bwrap", context.environment.PATH);
  if (program === undefined) throw new SandboxFailed(context.name, `there is no bwrap: ${HOW_TO_GET}`);
  const tried = await context.run([program, ...PROBE]);
  if (tried.code === 0) return program;
  const remedy = remedyFor(tried.text);
  throw new SandboxFailed(
    context.name,
    `bwrap says "${lastWords(tried.text)}"${remedy === undefined ? "" : `: this machine forbids it; ${remedy}`}`,
  );
}

async function words(
  program: string,
  config: BubblewrapConfig,
  context: SandboxContext,
  request: SandboxRequest,
): Promise<Way> {
  const { environment, home, configFile, keeperBinary } = context;
  const { workspace, only, notes } = await sharedFolder(context, request);
  const [userHome, hearth] = await Promise.all([real(environment.HOME ?? "/root"), real(home)]);
  // A service's user may have / for a home: that is the system itself.
  const hidden = [...new Set(["/home", "/root", userHome])].filter((folder) => folder !== "/");
  const argv = [
    program,
    ..."--unshare-pid --unshare-ipc --unshare-uts --unshare-cgroup-try".split(" "),
    ...(config.network ? [] : ["--unshare-net"]),
    ..."--die-with-parent --new-session --as-pid-1 --cap-drop ALL --clearenv".split(" "),
    ..."--ro-bind / / --dev /dev --proc /proc --tmpfs /tmp --tmpfs /var/tmp --tmpfs /run".split(" "),
    ...(config.network ? resolvers.flatMap((file) => ["--ro-bind-try", file, file]) : []),
    ...(await present(hidden)).flatMap((folder) => ["--tmpfs", folder]),
    ...(await present(config.read)).flatMap((file) => ["--ro-bind", file, file]),
    ...(await present(config.write)).flatMap((file) => ["--bind", file, file]),
    ...(workspace === null ? [] : ["--bind", workspace, workspace]),
    // Last, so that nothing above can bring them back.
    ...["--tmpfs", hearth],
    ...(await present([configFile]))
      .filter((file) => !within(file, hearth))
      .flatMap((file) => ["--ro-bind", "/dev/null", file]),
    ...["--ro-bind", await real(keeperBinary), KEEPER],
    ...["--chdir", "/", ...config.options],
    ...["--", KEEPER, ...only, "inside"],
  ];
  const cwd = await folderInside(request.cwd, workspace ?? "/", notes);
  return { transport: { argv, env: environmentFor(environment), cwd: "/" }, cwd, notes };
}

/** The folder asked for where it is seen inside, else the workspace. What is hidden shows when it is entered. */
async function folderInside(wanted: string, workspace: string, notes: string[]): Promise<string> {
  const found = await real(wanted);
  const isFolder = await stat(found).then(
    (one) => one.isDirectory(),
    () => false,
  );
  if (isFolder) return found;
  notes.push(`The folder ${wanted} is not there: it runs in ${workspace}.`);
  return workspace;
}

async function present(files: readonly string[]): Promise<string[]> {
  const found = await Promise.all(
    files.map((file) =>
      access(file, constants.F_OK).then(
        () => real(file),
        () => undefined,
      ),
    ),
  );
  return found.filter((file) => file !== undefined);
}
