// Which keeper a machine gets: the one that was built here, or one that came with the package.
import { access, constants } from "node:fs/promises";
import { join } from "node:path";
import { HostError } from "../protocol/errors.ts";

/** There is no keeper for such a machine here; the message says how to get one. */
export class KeeperMissing extends HostError {
  constructor(message: string) {
    super("not_supported", message);
  }
}

export interface KeeperBinary {
  path: string;
  /** `built`: by this machine's compiler, for this machine. `shipped`: static, and the same wherever it is packed. */
  origin: "built" | "shipped";
}

/** A machine as Node names it, or as `uname -s` and `uname -m` do (`Linux`, `x86_64`, `aarch64`). */
export interface Machine {
  platform: string;
  arch: string;
}

const here: Machine = { platform: process.platform, arch: process.arch };
/** What `uname -m` says, where it differs from Node's word. */
const archNames: Readonly<Record<string, string>> = { x86_64: "x64", amd64: "x64", aarch64: "arm64" };

/**
 * The keeper for a machine, this one if none is named: built here, else the one of the package (a checkout makes those
 * with `npm pack` or `node native/compile.mjs linux-arm64`). `root` is the checkout or package. Throws KeeperMissing.
 */
export async function keeperBinary(root: string, machine: Machine = here): Promise<KeeperBinary> {
  const platform = machine.platform.toLowerCase();
  const arch = archNames[machine.arch] ?? machine.arch;
  const build = join(root, "native", "build");
  const own = platform === here.platform && arch === here.arch;
  const places: KeeperBinary[] = [
    ...(own ? [{ path: join(build, "keeper"), origin: "built" } as const] : []),
    { path: join(build, `keeper-${platform}-${arch}`), origin: "shipped" },
  ];
  for (const place of places) if (await executable(place.path)) return place;
  const compile = `node ${join(root, "native", "compile.mjs")}`;
  throw new KeeperMissing(
    own
      ? `There is no keeper for this machine (${platform} ${arch}): install a C compiler (${compilerCommand()}) and run \`${compile}\`.`
      : `There is no keeper for ${platform} ${arch} here: install a compiler for it and run \`${compile} ${platform}-${arch}\`.`,
  );
}

/** How to get a C compiler on this system. */
export function compilerCommand(): string {
  if (process.platform === "darwin") return "xcode-select --install";
  return "apt-get install gcc libc6-dev (Debian, Ubuntu), dnf install gcc glibc-devel (Fedora), apk add gcc musl-dev linux-headers (Alpine)";
}

function executable(path: string): Promise<boolean> {
  return access(path, constants.X_OK).then(
    () => true,
    () => false, // Missing, or not to be run: the next place, or the error that says what to do.
  );
}
