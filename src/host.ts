// The host: puts the parts together, in the order in which they need each other, and takes them apart the other way round.
import { open, readFile, rename, rm } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { pino } from "pino";
import type { Config } from "./config/config.ts";
import { environment } from "./config/environment.ts";
import { keeperBinary } from "./config/keeper-binary.ts";
import { Gateway } from "./gateway/gateway.ts";
import { loadToken } from "./gateway/token.ts";
import { HostLog } from "./host-log.ts";
import { Keepers } from "./keeper/keepers.ts";
import { openFiles, openFilesLimit } from "./keeper/open-files.ts";
import { Limits } from "./limits/limits.ts";
import { prepareDirectory } from "./log/home.ts";
import { lockHome } from "./log/lock.ts";
import { openLog } from "./log/open.ts";
import { Models } from "./models/models.ts";
import { Processes } from "./processes/processes.ts";
import { Usage } from "./processes/usage/usage.ts";
import { HOST_STREAM, newEvent } from "./protocol/events.ts";
import type { Result } from "./protocol/methods.ts";
import { Sandboxes } from "./sandboxes/sandboxes.ts";
import { Redactor } from "./secrets/redactor.ts";
import { Terminals } from "./terminals/terminals.ts";
import { defaultToolSettings } from "./tools/tool.ts";
import { buildTools } from "./tools/tools.ts";
import { Turns } from "./turns/turns.ts";

const TOOL_LIMIT_MS = 15 * 60_000;
const MOST_ANSWERS = 200;
const BROKEN_MS = 500;
/** The soft limit of open files that a shell usually has: for children of a host that was not started by `bin/hearth`. */
const USUAL_OPEN_FILES = 1024;

export interface Host {
  /** Address with a one-time login ticket in its fragment. */
  readonly url: string;
  readonly address: string;
  /** An orderly stop. Processes and terminals live on unless `all`. Resolves when everything is put away. */
  stop(options: { all: boolean }): Promise<void>;
  /** Resolves once the host has stopped, whoever asked. */
  readonly stopped: Promise<void>;
  /** Text without the secrets that the host knows, for what is written outside of it. */
  clean(text: string): string;
  /**
   * Resolves with the reason when this host must not go on: what it would acknowledge, nobody could ever read. Ending it is
   * for whoever started it; nothing has to be put away.
   */
  readonly broken: Promise<string>;
}

export interface HostOptions {
  onWarning: (text: string) => void;
  /** Called once, when an orderly stop begins. */
  onStopping?: () => void;
}

/**
 * Starts the host on the home of this configuration. Throws HomeLocked if another holds it, HomeRefused if it is no safe
 * place, the system's error where the port cannot be had; what had begun is put away then.
 */
export async function startHost(config: Config, options: HostOptions): Promise<Host> {
  const settings = config.current();
  const { home, root } = settings;
  const startedAt = Date.now();
  await using parts = new AsyncDisposableStack();
  const lock = parts.use(await lockHome(home));
  await prepareDirectory(join(home, "logs"));
  const logFile = parts.use(await HostLog.open(join(home, "logs", "host.log")));
  const redactor = hostRedactor(config);
  const cleanLog = { write: (line: string) => logFile.write(redactor.text(line)) };
  const logger = pino({ level: settings.logLevel, base: { pid: process.pid } }, cleanLog);
  const warn = (text: string): void => {
    logger.warn(text);
    options.onWarning(redactor.text(text));
  };
  const { version: build } = JSON.parse(await readFile(join(root, "package.json"), "utf8")) as { version: string };
  const token = await loadToken(join(home, "token"));
  redactor.learn("token of Hearth", token);

  const log = parts.use(await openLog({ home, onWarning: warn }));
  const models = new Models({
    settings: () => modelSettings(config, redactor),
    warn,
    onKey: (provider, key) => redactor.learn(`key of ${provider}`, key),
  });
  const turns = await Turns.open({ log, models, settings: () => turnSettings(config), warn, redactor });

  const childrenDir = join(home, "children");
  await prepareDirectory(childrenDir);
  const limits = parts.use(await Limits.open({ home }));
  const { path: binary } = await keeperBinary(root);
  openFiles.fit(await openFilesLimit());
  const keepers = await Keepers.open({
    childrenDir,
    binary,
    openFiles: settings.openFiles ?? USUAL_OPEN_FILES,
    onWarning: warn,
  });
  parts.defer(() => keepers.close());
  const adopted = await keepers.adopt();
  void limits.sweep(new Set(adopted.flatMap((one) => ("child" in one ? (one.child.spec.groups ?? []) : []))));
  const { baseEnvironment } = settings;
  const children = { keepers, limits, log, adopted, baseEnvironment, onWarning: warn };
  const sandboxes = await Sandboxes.open({
    ...{ keepers, adopted, home, onWarning: warn, environment: baseEnvironment, keeperBinary: binary },
    settings: () => config.current().sandboxes,
    keeperFor: (platform, arch) =>
      keeperBinary(root, { platform, arch }).then(
        (found) => found.path,
        () => undefined, // it is for a far machine: without one, a shell there does
      ),
    configFile: settings.configFile,
  });
  let screens: Terminals | undefined;
  const processes = await Processes.open({
    ...children,
    ...{ sandboxes, redactor },
    settings: () => config.current().processes,
    defaultCwd: homedir(),
    onForgotten: (id) => screens?.forgetScreen(id),
  });
  parts.defer(() => sandboxes.close());
  parts.defer(() => processes.close());
  const terminals = await Terminals.open({ ...children, settings: () => config.current().processes });
  screens = terminals;
  parts.defer(() => terminals.close());

  // Before what its tools wait for: a turn that is left open goes on with the next host, one whose tool fails does not.
  parts.defer(() => turns.close());

  const usage = parts.use(new Usage({ running: () => [...processes.measured(), ...terminals.measured()], redactor }));

  const tools = buildTools({
    processes,
    stateDirectory: home,
    settings: () => defaultToolSettings,
    ask: (context, question, choices) => turns.ask(context, question, choices),
    configFile: settings.configFile,
    sandboxes: { offered: offeredTo(config), standard: () => config.current().sandbox },
  });

  const { promise: stopped, resolve: hasStopped } = Promise.withResolvers<void>();
  let stopping: Promise<void> | undefined;
  const stop = (how: { all: boolean }): Promise<void> => {
    stopping ??= (async () => {
      logger.info({ all: how.all }, "stopping");
      options.onStopping?.();
      if (how.all) await Promise.all([processes.killAll({}, "host.stop"), terminals.endAll()]);
      // From here on nothing may take longer than the grace: the launcher holds the deadline, since a blocked write would
      // keep this process from ending itself.
      keepers.armDeadline(config.current().shutdownGraceMs);
      await serving.disposeAsync();
      await rm(join(home, "host.json"), { force: true });
      hasStopped();
    })();
    return stopping;
  };

  // To go on would be to acknowledge what nobody can ever read again.
  void lock.lost.then(() => {
    warn(
      `${home} was removed or replaced, so nothing can be kept there: the host stops. \`hearth up\` starts a new one.`,
    );
    // Not in order: what there is to put away lies under a path that may be another host's by now.
    options.onStopping?.();
    hasStopped();
  });

  const broken = log.broken.then(async (why) => {
    logger.fatal(why);
    keepers.armDeadline(BROKEN_MS * 4); // the launcher ends it, should it be stuck in the disk that failed
    // Whoever has an append under way hears that it failed.
    await delay(BROKEN_MS);
    return why;
  });

  const list = async () => ({ sandboxes: await sandboxes.list(), default: config.current().sandbox });
  const status = async (): Promise<Result<"host.status">> => ({
    pid: process.pid,
    build,
    log_id: log.logId,
    address: gateway.address.url,
    home,
    started_at: startedAt,
    sessions: turns.list(Number.POSITIVE_INFINITY).length,
    turns: turns.busy(),
    processes: processes.running(),
    terminals: terminals.running(),
    clients: gateway.clients(),
    watchers: gateway.watchers(),
    model: turnSettings(config).model,
    memory_bytes: process.memoryUsage.rss(),
    limits: limits.offered,
  });
  const gateway = await Gateway.open({
    services: {
      ...{ log, redactor, turns, processes, usage, sandboxes: { list }, terminals, models, tools },
      config: {
        get: (key) => config.describe(key),
        setApprovals: async (mode) => {
          await config.set("approvals", mode);
          await record("approvals", mode);
        },
        setModel: async (model) => {
          await models.resolve(model);
          await config.set("model", model);
          await record("model", model);
        },
      },
      host: { build, status, stop: (everything) => void stop({ all: everything }) },
    },
    settings: {
      host: settings.host,
      port: settings.port,
      allowedHosts: settings.allowedHosts,
      maxFrameBytes: 16 * 1024 * 1024,
      ...(settings.tls === undefined ? {} : { tls: settings.tls }),
    },
    token,
    webRoot: join(root, "dist", "web"),
    socketPath: join(home, "host.sock"),
    log: logger,
  });
  parts.defer(() => gateway.close());
  async function record(key: string, value: unknown): Promise<void> {
    await log.append(HOST_STREAM, [newEvent("config.changed", crypto.randomUUID(), { key, value })]);
  }

  const recovered = processes.running() + terminals.running();
  await log.append(HOST_STREAM, [
    newEvent("host.started", crypto.randomUUID(), { pid: process.pid, build, recovered }),
  ]);
  await writeHostFile(home, gateway.address.url, build);
  // Last: what goes on now finds everything in place, and a client that waits for it can already see it.
  await turns.start(tools, (sessionId) =>
    processes
      .runningOf(sessionId)
      .map((row) => `- ${row.process_id}: ${row.command.replaceAll("\n", " ").slice(0, 200)} (in ${row.cwd})`),
  );
  logger.info({ address: gateway.address.url, recovered, ms: Date.now() - startedAt }, "ready");
  const serving = parts.move();
  return {
    url: gateway.mintTicket().url,
    address: gateway.address.url,
    stop,
    stopped,
    clean: (text) => redactor.text(text),
    broken,
  };
}

/** Knows what is secret of the surroundings and of the settings; the parts tell it more. */
function hostRedactor(config: Config): Redactor {
  const { redaction } = config.current();
  const redactor = new Redactor({
    on: () => config.current().redaction.on,
    variables: () => config.current().redaction.variables,
    extra: () => config.current().redaction.extra,
  });
  if (redaction.on) redactor.learnEnvironment(environment());
  modelSettings(config, redactor);
  return redactor;
}

function modelSettings(
  config: Config,
  redactor: Redactor,
): ReturnType<ConstructorParameters<typeof Models>[0]["settings"]> {
  const { providers, model, fallbackModel } = config.current();
  for (const [name, { apiKey }] of Object.entries(providers))
    if (apiKey !== undefined) redactor.learn(`key of ${name}`, apiKey);
  return { providers, model, fallbackModel };
}

/** The sandboxes that the agent may choose among. Without one of its own for all it does, this machine is one of them. */
function offeredTo(config: Config): string[] {
  const { sandbox, sandboxes } = config.current();
  const names = Object.keys(sandboxes).filter((name) => sandboxes[name]?.agent !== false);
  return names.length === 0 ? [] : [...(sandbox === "local" ? ["local"] : []), ...names];
}

function turnSettings(config: Config): ReturnType<Parameters<typeof Turns.open>[0]["settings"]> {
  const { model, fallbackModel, personality, approvals, tools, turns } = config.current();
  return {
    model: model ?? "offline",
    workspace: homedir(),
    fallbackModel,
    personality,
    approvals,
    tools,
    onRestart: turns.onRestart,
    wakesPerHour: turns.wakesPerHour,
    toolLimitMs: TOOL_LIMIT_MS,
    mostAnswers: MOST_ANSWERS,
  };
}

/** Tells the command line where this host is and which process it is; replaced by rename, so never read half. */
async function writeHostFile(home: string, address: string, build: string): Promise<void> {
  const stat = await readFile("/proc/self/stat", "utf8").catch(() => "");
  const start_tick = stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19];
  const boot_id = (await readFile("/proc/sys/kernel/random/boot_id", "utf8").catch(() => "")).trim();
  const path = join(home, "host.json");
  await rm(`${path}.new`, { force: true });
  await using file = await open(`${path}.new`, "wx", 0o600);
  await file.writeFile(`${JSON.stringify({ pid: process.pid, address, build, home, start_tick, boot_id }, null, 2)}\n`);
  await file.sync();
  await rename(`${path}.new`, path);
}
