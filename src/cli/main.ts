// The entry of `hearth`: gathers what surrounds it, runs one command, turns what was thrown into a sentence and a number.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { environment } from "../config/environment.ts";
import { homeOf, packageRoot } from "../config/settings.ts";
import { EXIT, outcomeOf } from "./failure.ts";
import { runCommand } from "./program.ts";
import { safe } from "./safe-text.ts";
import { openScreen } from "./screen.ts";

const env = environment();
const screen = openScreen(env, process);

// `hearth ps | head -1`: who read enough has gone (a terminal that was closed says EIO), and that is no failure.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code === "EPIPE" || error.code === "EIO") process.exit(EXIT.done);
  throw error;
});
// Words beside the result may get lost, the work not: a host lives on when its terminal is closed or its log's disk is full.
process.stderr.on("error", () => undefined);

const { version } = JSON.parse(readFileSync(join(packageRoot(), "package.json"), "utf8")) as { version: string };
try {
  process.exitCode = await runCommand(process.argv.slice(2), {
    home: homeOf(env),
    cwd: process.cwd(),
    version,
    screen,
  });
} catch (error) {
  const outcome = outcomeOf(error);
  if (outcome === undefined) throw error;
  screen.err(`${screen.style("red", "hearth:")} ${safe(outcome.message)}\n`);
  process.exitCode = outcome.exitCode;
}
