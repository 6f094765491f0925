// The entry of `hearth`: what it loads is stripped of its types and compiled once, not at every start. A host that finds
// it done is there in two thirds of the time and takes 40 MB less, for then it never loads the type stripper (17 MB, and
// as much for the log's thread). Plain JavaScript, or this file would load it.
import { constants, enableCompileCache } from "node:module";
import { homedir } from "node:os";
import { join } from "node:path";

// Never where others may write: what lies there is executed. A clone keeps it beside its other products; for a package of
// the system's the user's cache has it. Where neither can be written, everything is compiled anew.
for (const directory of [
  join(import.meta.dirname, "../../.setup/compiled"),
  join(homedir(), ".cache/hearth/compiled"),
]) {
  if (enableCompileCache(directory).status !== constants.compileCacheStatus.FAILED) break;
}
await import("./main.ts");
