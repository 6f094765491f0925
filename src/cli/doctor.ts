// `hearth doctor`: what is missing on this machine and how to get it. Works without a host, and says what a host would.
import { execFile } from "node:child_process";
import { access } from "node:fs/promises";
import { createServer } from "node:net";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { type Environment, environment } from "../config/environment.ts";
import { compilerCommand, keeperBinary } from "../config/keeper-binary.ts";
import { assertServable, loadSettings, type Settings } from "../config/settings.ts";
import { findProgram } from "../sandboxes/find-program.ts";
import { openerOf } from "./browser.ts";
import { connect } from "./connect.ts";
import { homeFindings } from "./doctor-home.ts";
import { limitsFindings } from "./doctor-limits.ts";
import { sandboxFindings } from "./doctor-sandboxes.ts";
import { EXIT } from "./failure.ts";
import { answers, readHostFile } from "./host-file.ts";
import { findPortHolder } from "./port-holder.ts";
import { safeJson, safeLine } from "./safe-text.ts";
import type { Screen } from "./screen.ts";

export interface Finding {
  what: string;
  /** `missing`: Hearth does not work without it. `advice`: it works, and could work better. */
  state: "ok" | "advice" | "missing";
  found: string;
  /** What to do about it. */
  remedy?: string;
}

/** Exit code 1 if something is missing that Hearth needs. */
export async function doctor(json: boolean, screen: Screen): Promise<number> {
  const env = environment();
  const settings = loadSettings({ env });
  const running = await answers(settings.home, 1_000);
  const groups = await Promise.all([
    nodeFinding(),
    keeperFindings(settings, env),
    pageFinding(settings),
    homeFindings(settings.home),
    portFinding(settings, running),
    settingFindings(settings),
    running ? modelsOfHost(settings) : modelFindings(settings),
    limitsFindings(settings.home, running),
    toolFindings(env),
    sandboxFindings(settings, env),
  ]);
  const findings = groups.flat();
  if (json) screen.line(safeJson({ findings }));
  else for (const finding of findings) screen.line(findingText(finding, screen));
  return findings.some(({ state }) => state === "missing") ? EXIT.failed : EXIT.done;
}

/** Exported for tests. */
function findingText({ what, state, found, remedy }: Finding, screen: Pick<Screen, "style">): string {
  const mark = {
    ok: screen.style("green", "✓"),
    advice: screen.style("yellow", "!"),
    missing: screen.style("red", "✗"),
  }[state];
  const advice = remedy === undefined ? "" : `\n  ${screen.style("bold", "→")} ${remedy}`;
  return `${mark} ${what}: ${safeLine(found)}${advice}`;
}

function nodeFinding(): Finding[] {
  return [{ what: "Node", state: "ok", found: `${process.version} (${process.execPath})` }];
}

async function keeperFindings({ root }: Settings, env: Environment): Promise<Finding[]> {
  const what = "Keeper";
  try {
    const { path, origin } = await keeperBinary(root);
    await promisify(execFile)(path, ["version"], { timeout: 5_000 });
    return [{ what, state: "ok", found: `${path} (${origin === "built" ? "built here" : "came with the package"})` }];
  } catch {
    // Not there, or another system's: then the compiler decides what to say.
  }
  const compiler = await findProgram(env.CC || "cc", env.PATH);
  if (compiler === undefined) {
    const found = "not compiled, and there is no C compiler";
    return [{ what, state: "missing", found, remedy: `install one and start again: ${compilerCommand()}` }];
  }
  const remedy = `run \`node ${join(root, "native", "compile.mjs")}\`, which says why`;
  return [{ what, state: "missing", found: `not compiled, though there is ${compiler}`, remedy }];
}

async function pageFinding({ root }: Settings): Promise<Finding[]> {
  const page = join(root, "dist", "web", "index.html");
  const built = await access(page).then(
    () => true,
    () => false,
  );
  if (built) return [{ what: "Page", state: "ok", found: dirname(page) }];
  const remedy = `run \`node ${join(root, "setup", "setup.mjs")}\`, which says why`;
  return [{ what: "Page", state: "advice", found: "not built: the host runs, browsers get nothing", remedy }];
}

async function portFinding(settings: Settings, running: boolean): Promise<Finding[]> {
  const { host, port, home } = settings;
  if (running) {
    const file = await readHostFile(home);
    return [
      {
        what: "Host",
        state: "ok",
        found: `runs at ${file?.address ?? "an unknown address"} (process ${file?.pid ?? "unknown"})`,
      },
    ];
  }
  if (port === 0) return [{ what: "Port", state: "ok", found: "any free one" }];
  const trouble = await tryPort(host, port);
  if (trouble === undefined) return [{ what: "Port", state: "ok", found: `${port} is free` }];
  const holder = trouble === "EADDRINUSE" ? await findPortHolder(port) : undefined;
  const found =
    holder === undefined
      ? `${port} cannot be had (${trouble})`
      : `${port} is in use by ${holder.command} (process ${holder.pid})`;
  return [{ what: "Port", state: "missing", found, remedy: "end that program, or set HEARTH_PORT to another one" }];
}

function tryPort(host: string, port: number): Promise<string | undefined> {
  const { promise, resolve } = Promise.withResolvers<string | undefined>();
  const server = createServer();
  server.once("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
  server.listen({ host, port, exclusive: true }, () => server.close(() => resolve(undefined)));
  return promise;
}

function settingFindings(settings: Settings): Finding[] {
  const wrong = settings.warnings.map(
    (found): Finding => ({ what: "Setting", state: "advice", found, remedy: "correct it" }),
  );
  try {
    assertServable(settings);
    return wrong;
  } catch (error) {
    return [
      ...wrong,
      {
        what: "Address",
        state: "missing",
        found: (error as Error).message,
        remedy: "`hearth up` refuses to start until then",
      },
    ];
  }
}

async function modelsOfHost(settings: Settings): Promise<Finding[]> {
  using connected = await connect(settings.home);
  const { models, current } = await connected.client.call("model.list", {});
  const ready = models.filter((model) => model.ready && model.model !== "offline").map(({ model }) => model);
  const offered = ready.slice(0, 5).join(", ") + (ready.length > 5 ? ` and ${ready.length - 5} more` : "");
  if (current !== "offline") return [{ what: "Model", state: "ok", found: current }];
  const [first] = ready;
  if (first !== undefined) return [unchosen(settings, first, offered)];
  return [unconnected(settings)];
}

function unchosen({ configFile }: Settings, first: string, offered: string): Finding {
  const found = `none is chosen, the offline model answers; ready: ${safeLine(offered)}`;
  const remedy = `choose one on the page, or set model = "${safeLine(first)}" in ${configFile} (or HEARTH_MODEL=${safeLine(first)})`;
  return { what: "Model", state: "advice", found, remedy };
}

function unconnected({ configFile }: Settings): Finding {
  const remedy = [
    `set model in ${configFile}, or HEARTH_MODEL:`,
    "    anthropic/NAME   with ANTHROPIC_API_KEY (or providers.anthropic.api_key_command)",
    "    openai/NAME      with OPENAI_API_KEY, or base_url (HEARTH_BASE_URL) for any OpenAI-compatible endpoint",
    "    ollama/NAME, lmstudio/NAME   once one of them runs on this machine; no key is needed",
  ].join("\n");
  return { what: "Model", state: "advice", found: "none is connected, the offline model answers", remedy };
}

const LOCAL = ["ollama", "lmstudio"];
const PROBE_MS = 500;

/** Without a host: what the settings say, and what answers on loopback. */
async function modelFindings(settings: Settings): Promise<Finding[]> {
  if (settings.model !== undefined && settings.model !== "offline") return [configuredModel(settings, settings.model)];
  const local = (await Promise.all(LOCAL.map((name) => localModels(name, settings)))).flat();
  const [first] = local;
  return [first === undefined ? unconnected(settings) : unchosen(settings, first, local.slice(0, 5).join(", "))];
}

function configuredModel(settings: Settings, model: string): Finding {
  const name = model.split("/")[0] ?? "";
  const provider = settings.providers[name];
  if (provider === undefined) {
    const remedy = `use one of ${Object.keys(settings.providers).join(", ")}, or add [providers.${name}] to ${settings.configFile}`;
    return { what: "Model", state: "advice", found: `${model}: there is no provider ${name}`, remedy };
  }
  const needsKey = name === "anthropic" || (name === "openai" && new URL(provider.baseUrl).host === "api.openai.com");
  if (needsKey && provider.apiKey === undefined && provider.apiKeyCommand === undefined) {
    const remedy = `export ${name.toUpperCase()}_API_KEY, or set providers.${name}.api_key_command in ${settings.configFile}`;
    return { what: "Model", state: "advice", found: `${model}: its provider has no key`, remedy };
  }
  return { what: "Model", state: "ok", found: `${model} at ${new URL(provider.baseUrl).origin}` };
}

async function localModels(name: string, settings: Settings): Promise<string[]> {
  const provider = settings.providers[name];
  if (provider === undefined) return [];
  try {
    const answer = await fetch(`${provider.baseUrl}/models`, {
      signal: AbortSignal.timeout(PROBE_MS),
      redirect: "error",
    });
    const { data } = (await answer.json()) as { data?: { id?: unknown }[] };
    return (data ?? []).flatMap(({ id }) => (typeof id === "string" ? [`${name}/${safeLine(id, 100)}`] : []));
  } catch {
    return []; // Nothing runs there, or something else does.
  }
}

/** Programs that people and agents will want; none is needed to run. */
async function toolFindings(env: Environment): Promise<Finding[]> {
  const findings: Finding[] = [];
  const git = await findProgram("git", env.PATH);
  findings.push(
    git === undefined
      ? { what: "git", state: "advice", found: "not found", remedy: "install git: agents work with repositories" }
      : { what: "git", state: "ok", found: git },
  );
  const opener = openerOf(env);
  if (opener === undefined)
    findings.push({ what: "Browser", state: "ok", found: "no screen here: `hearth open` prints an address" });
  else if ((await findProgram(opener, env.PATH)) === undefined) {
    findings.push({
      what: "Browser",
      state: "advice",
      found: `${opener} not found`,
      remedy: "install xdg-utils, or open the printed address yourself",
    });
  } else findings.push({ what: "Browser", state: "ok", found: opener });
  return findings;
}
