// The entry of `hearth`: what it loads is stripped of its types and compiled once, not at every start. A host that finds
// it done is there in two thirds of the time and takes 40 MB less, for then it never loads the type stripper (17 MB, and
// as much for the log's thread). Plain JavaScript, or this file would load it.
import { existsSync, mkdirSync } from "node:fs";
import { constants, enableCompileCache } from "node:module";
import { homedir } from "node:os";
import { isAbsolute, join } from "node:path";

// Never where others may write: what lies there is executed. A clone keeps it beside its other products. An installed package
// writes nothing where it is installed: the user's cache has it. Where neither can be written, everything is compiled anew.
const clone = join(import.meta.dirname, "../..");
const said = process.env.XDG_CACHE_HOME;
const cache = said !== undefined && isAbsolute(said) ? said : join(homedir(), ".cache");
for (const directory of [
  ...(existsSync(join(clone, "setup/setup.mjs")) ? [join(clone, ".setup/compiled")] : []),
  join(cache, "hearth/compiled"),
]) {
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
  } catch {
    continue; // May not be written: the next one, or none.
  }
  if (enableCompileCache(directory).status !== constants.compileCacheStatus.FAILED) break;
}
await import("./main.ts");
