// `hearth down`: an orderly stop, and waiting until it is done.
import { setTimeout as delay } from "node:timers/promises";
import { ask } from "./ask.ts";
import { connect } from "./connect.ts";
import { CliError, EXIT } from "./failure.ts";
import { answers, isAlive, readHostFile } from "./host-file.ts";
import { noneRunsOn } from "./no-host.ts";
import type { Screen } from "./screen.ts";

const PATIENCE_MS = 20_000;

/** A person is asked whether what runs stays (T11); it does unless they say otherwise, and always for a script. */
async function wantsAllEnded(
  { processes, terminals }: { processes: number; terminals: number },
  screen: Screen,
): Promise<boolean> {
  if (processes + terminals === 0 || !screen.interactive) return false;
  const count = (n: number, one: string, many: string) => (n === 0 ? [] : [`${n} ${n === 1 ? one : many}`]);
  const running = [...count(processes, "process", "processes"), ...count(terminals, "terminal", "terminals")];
  const answer = await ask(`Running: ${running.join(" and ")}. Let them run on? [Y/n] `);
  if (answer === undefined) throw new CliError("Nothing was stopped.", EXIT.cancelled);
  return /^n/i.test(answer);
}

/** Resolves with the exit code once the host is gone. No host is no failure: that is what was asked for. */
export async function down(home: string, all: boolean, screen: Screen): Promise<number> {
  const file = await readHostFile(home);
  if (!(await answers(home, 2_000))) {
    if (file !== undefined && (await isAlive(file))) {
      throw new CliError(
        `The host with process ${file.pid} does not answer: \`hearth up\` ends it and takes over, or end it with \`kill ${file.pid}\`.`,
      );
    }
    screen.err(`${noneRunsOn(home)}\n`);
    return 0;
  }
  using connected = await connect(home);
  const status = await connected.client.call("host.status", {});
  const end = all || (await wantsAllEnded(status, screen));
  await connected.client.call("host.stop", { all: end });
  for (const limit = performance.now() + PATIENCE_MS; performance.now() < limit; await delay(50)) {
    const gone = file?.start_tick === undefined ? !(await answers(home, 500)) : !(await isAlive(file));
    if (gone) {
      screen.err(
        end
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
