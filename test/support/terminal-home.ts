// What suites of terminals on the page begin with: a host whose shells have a home without settings.
import { mkdtemp, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before } from "node:test";
import { RunningHost } from "./running-host.ts";

export interface TerminalHome {
  readonly host: RunningHost;
  readonly home: string;
  /** A new session that works in that home. */
  begin(): Promise<string>;
}

/** To be called inside of `describe`: there before its tests, gone after them. `prompt`: what bash says instead of its own. */
export function terminalHome({ shell, prompt }: { shell: string; prompt?: string }): TerminalHome {
  let there: { host: RunningHost; home: string } | undefined;
  const now = () => {
    if (there === undefined) throw new Error("it is there for tests only");
    return there;
  };
  before(async () => {
    const home = await realpath(await mkdtemp(join(tmpdir(), "hearth-home-")));
    if (prompt !== undefined) await writeFile(join(home, ".bashrc"), `PS1='${prompt}'\n`);
    there = { home, host: await RunningHost.start({ HOME: home, SHELL: shell }) };
  });
  after(async () => {
    if (there === undefined) return;
    await there.host[Symbol.asyncDispose]();
    await rm(there.home, { recursive: true, force: true });
  });
  return {
    get host() {
      return now().host;
    },
    get home() {
      return now().home;
    },
    begin: async () => {
      const { host, home } = now();
      return (await (await host.client()).call("session.create", { workspace: home })).session_id;
    },
  };
}
