// What `hearth doctor` says of sandboxes: which backends can be used on this machine, whether those of the settings answer, and
// what to install.
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import type { Environment } from "../config/environment.ts";
import type { SandboxConfig } from "../config/sandboxes.ts";
import type { Settings } from "../config/settings.ts";
import { HOW_TO_GET, PROBE, remedyFor } from "../sandboxes/bubblewrap-probe.ts";
import { findProgram } from "../sandboxes/find-program.ts";
import type { Finding } from "./doctor.ts";

const LIMIT_MS = 10_000;

interface Tried {
  works: boolean;
  said: string;
}

async function tried(file: string, words: readonly string[]): Promise<Tried> {
  try {
    await promisify(execFile)(file, [...words], { timeout: LIMIT_MS });
    return { works: true, said: "" };
  } catch (error) {
    const { stderr, message } = error as Error & { stderr?: string };
    const lines = (stderr || message).split("\n").filter((line) => line.trim() !== "");
    return { works: false, said: lines.at(-1)?.trim() ?? "" };
  }
}

/** Bubblewrap and container engines on any machine; ssh, and what lies behind each, where the settings name it. */
export async function sandboxFindings(settings: Settings, env: Environment): Promise<Finding[]> {
  const configured = Object.entries(settings.sandboxes).map(([name, config]) => configuredFinding(name, config, env));
  return (await Promise.all([bubblewrapFinding(env), enginesFinding(env), ...configured])).flat();
}

async function bubblewrapFinding(env: Environment): Promise<Finding[]> {
  const what = "Sandbox bubblewrap";
  const program = await findProgram("bwrap", env.PATH);
  if (program === undefined) {
    const remedy = `for the lightest sandbox: ${HOW_TO_GET}`;
    return [{ what, state: "advice", found: "not found", remedy }];
  }
  const { works, said } = await tried(program, PROBE);
  if (works) return [{ what, state: "ok", found: program }];
  const found = `${program} cannot be used: ${said}`;
  return [{ what, state: "advice", found, remedy: remedyFor(said) ?? `\`bwrap ${PROBE.join(" ")}\` says more` }];
}

async function enginesFinding(env: Environment): Promise<Finding[]> {
  const what = "Sandbox container";
  const programs = await Promise.all(["podman", "docker"].map((name) => findProgram(name, env.PATH)));
  const there = programs.filter((program) => program !== undefined);
  if (there.length === 0) {
    const remedy = "for containers: apt-get install podman (Debian, Ubuntu), dnf install podman (Fedora), or Docker";
    return [{ what, state: "advice", found: "neither podman nor docker is here", remedy }];
  }
  return await Promise.all(
    there.map(async (program): Promise<Finding> => {
      const { works, said } = await tried(program, ["ps", "--quiet"]);
      if (works) return { what, state: "ok", found: program };
      return {
        what,
        state: "advice",
        found: `${program} does not answer: ${said}`,
        remedy: "start its service, or ask who may use it",
      };
    }),
  );
}

async function configuredFinding(name: string, config: SandboxConfig, env: Environment): Promise<Finding[]> {
  const what = `Sandbox ${name}`;
  const trouble = (found: string, remedy: string): Finding[] => [{ what, state: "advice", found, remedy }];
  if (config.kind === "ssh") {
    const ssh = await findProgram("ssh", env.PATH);
    if (ssh === undefined) return trouble("there is no ssh", "install openssh-client");
    const words = ["-T", "-o", "BatchMode=yes", "-o", "ConnectTimeout=5", ...config.options, "--", config.host, "true"];
    const { works, said } = await tried(ssh, words);
    if (works) return [{ what, state: "ok", found: `${config.host} answers` }];
    const how = [...config.options, config.host].join(" ");
    return trouble(`${config.host} cannot be reached: ${said}`, `make \`ssh ${how}\` work without a question first`);
  }
  if (config.kind === "container") {
    const names = config.program === undefined ? ["podman", "docker"] : [config.program];
    const found = await Promise.all(names.map((one) => findProgram(one, env.PATH)));
    const program = found.find((one) => one !== undefined);
    if (program === undefined) return trouble(`there is no ${names.join(" and no ")}`, "install it");
    const kind = config.image === undefined ? "container" : "image";
    const thing = config.image ?? config.container ?? "";
    const { works, said } = await tried(program, [...config.global_options, kind, "inspect", thing]);
    if (works) return [{ what, state: "ok", found: `${kind} ${thing}` }];
    return trouble(
      `${kind} ${thing}: ${said}`,
      kind === "image" ? `${program} pull ${thing}` : `${program} start ${thing}`,
    );
  }
  return [];
}
