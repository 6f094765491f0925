// `hearth down`: an orderly stop, and waiting until it is done.
import { setTimeout as delay } from "node:timers/promises";
import { connect } from "./connect.ts";
import { CliError } from "./failure.ts";
import { answers, isAlive, readHostFile } from "./host-file.ts";
import type { Screen } from "./screen.ts";

const PATIENCE_MS = 20_000;

/** Resolves with the exit code once the host is gone. No host is no failure: that is what was asked for. */
export async function down(home: string, all: boolean, screen: Screen): Promise<number> {
  const file = await readHostFile(home);
  if (!(await answers(home, 2_000))) {
    if (file !== undefined && (await isAlive(file))) {
      throw new CliError(
        `The host with process ${file.pid} does not answer: \`hearth up\` ends it and takes over, or end it with \`kill ${file.pid}\`.`,
      );
    }
    screen.err(`No host runs on ${home}.\n`);
    return 0;
  }
  using connected = await connect(home);
  await connected.client.call("host.stop", { all });
  for (const end = Date.now() + PATIENCE_MS; Date.now() < end; await delay(50)) {
    const gone = file?.start_tick === undefined ? !(await answers(home, 500)) : !(await isAlive(file));
    if (gone) {
      screen.err(
        all
          ? "Stopped, with its processes and terminals.\n"
          : "Stopped. Processes and terminals live on; `hearth up` finds them again.\n",
      );
      return 0;
    }
  }
  throw new CliError(
    `The host was asked to stop and is still there after ${PATIENCE_MS / 1000} s: see ${home}/crash.log.`,
  );
}
