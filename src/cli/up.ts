// `hearth up`: starts the host on this home, or says where it runs already.
import { flushCompileCache } from "node:module";
import { Config } from "../config/config.ts";
import { environment } from "../config/environment.ts";
import { assertServable, type Settings } from "../config/settings.ts";
import { assertSupported } from "../config/supported.ts";
import { openBrowser } from "./browser.ts";
import { connect } from "./connect.ts";
import { writeCrashLog } from "./crash-log.ts";
import { detach } from "./detach.ts";
import { CliError } from "./failure.ts";
import { folderMeant, inFolder } from "./folder.ts";
import { answers, readHostFile } from "./host-file.ts";
import { printsToJournal } from "./journal.ts";
import { findPortHolder } from "./port-holder.ts";
import { safeLine } from "./safe-text.ts";
import type { Screen } from "./screen.ts";
import { waitOrTakeOver } from "./take-over.ts";

export interface UpOptions {
  detach?: boolean;
  port?: number;
  /** False: never open a browser. */
  open: boolean;
  /** Started by `up --detach`, which tells the person itself. */
  supervised?: boolean;
}

/** Serves until it is told to stop. Resolves with the exit code. */
export async function up(options: UpOptions, screen: Screen): Promise<number> {
  const env = environment();
  const warn = (text: string): void => screen.err(`${safeLine(text)}\n`);
  const config = Config.load({
    env,
    onWarning: warn,
    ...(options.port === undefined ? {} : { override: { port: options.port } }),
  });
  const settings = config.current();
  assertSupported(process.platform);
  assertServable(settings);
  if (await answers(settings.home, 1_000)) return tellWhereItRuns(settings, screen);
  if (options.detach) {
    await detach(settings, options.port);
    return tellWhereItRuns(settings, screen, "Hearth is ready");
  }
  const host = await start(config, warn, () => {
    // Whatever ends this host from here on, its deadline included, is no death to start it again after.
    if (options.supervised && process.ppid > 1) process.kill(process.ppid, "SIGTERM");
  });
  if (host === "serves") {
    // Under the launcher nobody reads this, and a ticket has no place in a log.
    return options.supervised ? 0 : await tellWhereItRuns(settings, screen);
  }
  guard(settings, host);
  if (!options.supervised) {
    const url = inFolder(host.url, await here(settings, screen));
    screen.line(printsToJournal(env) ? addressOnly("Hearth is ready", host.address) : `Hearth is ready: ${url}`);
    if (options.open && screen.interactive) await openBrowser(url, env);
  }
  // What this start compiled is there for the next one even if this host is killed; later starts find nothing to write.
  flushCompileCache();
  await host.stopped;
  // Not left to the event loop: a handle that a library forgot must not keep a stopped host alive.
  process.exit(0);
}

interface Host {
  readonly url: string;
  readonly address: string;
  stop(options: { all: boolean }): Promise<void>;
  readonly stopped: Promise<void>;
  readonly broken: Promise<string>;
  /** Text without the secrets that the host knows. */
  clean(text: string): string;
}

async function start(config: Config, warn: (text: string) => void, onStopping: () => void): Promise<Host | "serves"> {
  // Imported here alone: every other command starts without the weight of the host.
  const { startHost } = await import("../host.ts");
  const { home, host, port } = config.current();
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await startHost(config, { onWarning: warn, onStopping });
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      if (error.name === "HomeLocked" && attempt <= 3) {
        if ((await waitOrTakeOver(home, holderOf(error), warn)) === "serves") return "serves";
        continue;
      }
      const { code } = error as NodeJS.ErrnoException;
      if (code === "EADDRINUSE") throw await portTaken(host, port, error);
      if (code === "EACCES" && port > 0 && port < 1024) {
        throw new CliError(`Port ${port} is for the system administrator only: choose one above 1023 with --port.`, 1, {
          cause: error,
        });
      }
      if (code === "EADDRNOTAVAIL")
        throw new CliError(`This machine has no address ${host}: set HEARTH_HOST to one that it has.`, 1, {
          cause: error,
        });
      throw error;
    }
  }
}

const holderOf = (error: Error): number | undefined => (error as Error & { holder?: { pid?: number } }).holder?.pid;

async function portTaken(host: string, port: number, cause: Error): Promise<CliError> {
  const holder = await findPortHolder(port);
  const who = holder === undefined ? "another program" : `${safeLine(holder.command, 200)} (process ${holder.pid})`;
  return new CliError(
    `Port ${port} of ${host} is in use by ${who}: end it, or choose another port with --port or HEARTH_PORT.`,
    1,
    { cause },
  );
}

const addressOnly = (what: string, address: string): string =>
  `${what} at ${address}: \`hearth open\` opens the page, logged in.`;

/** The folder a person has called this in, for the page to begin with; a script means none. */
const here = async ({ home, root }: Settings, screen: Screen): Promise<string | undefined> =>
  screen.interactive ? folderMeant(process.cwd(), [home, root]) : undefined;

async function tellWhereItRuns(settings: Settings, screen: Screen, what = "Hearth already runs"): Promise<number> {
  const file = await readHostFile(settings.home);
  if (printsToJournal(environment())) screen.line(addressOnly(what, file?.address ?? "an unknown address"));
  else {
    using connected = await connect(settings.home);
    const { url } = await connected.client.call("ticket.mint", {});
    screen.line(`${what}: ${inFolder(url, await here(settings, screen))}`);
  }
  if (what === "Hearth already runs" && file !== undefined)
    screen.err(`It is process ${file.pid}, on ${settings.home}.\n`);
  return 0;
}

/** Nothing ends this host without a word in its crash log. */
function guard(settings: Settings, host: Host): void {
  const { home, shutdownGraceMs } = settings;
  const dies = (what: string, error: unknown): void => die(home, what, error, host.clean);
  let stopping = false;
  const stop = (why: string): void => {
    writeCrashLog(home, `${why}: stopping in order`);
    process.stderr.write(`${why}: the host stops; processes and terminals live on.\n`);
    if (stopping) return;
    stopping = true;
    host.stop({ all: false }).catch((error: unknown) => dies("the orderly stop failed", error));
    // The launcher holds the real deadline; this is for a host that lost its launcher.
    setTimeout(() => {
      writeCrashLog(home, `still here ${shutdownGraceMs} ms after the stop began: ended`);
      process.kill(process.pid, "SIGKILL");
    }, shutdownGraceMs + 1_000).unref();
  };
  for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const) process.on(signal, () => stop(signal));
  void host.broken.then((why) => dies("its log, which it can no longer write", why));
  process.on("uncaughtException", (error) => dies("an error nobody caught", error));
  process.on("unhandledRejection", (error) => dies("a rejection nobody caught", error));
}

/** A host in an unknown state must not go on writing: the next one finds everything in the log and the spools. */
function die(home: string, what: string, error: unknown, clean: (text: string) => string): void {
  const details = error instanceof Error ? (error.stack ?? error.message) : String(error);
  writeCrashLog(home, what, clean(details));
  process.stderr.write(`The host ended because of ${what}; ${home}/crash.log says more.\n`);
  process.exit(1);
}
