// Every setting, once: its key in config.toml, what it takes, what it is when nobody says anything. The variable of the same
// name is derived: `processes.grace_s` is HEARTH_PROCESSES_GRACE_S.
import { bytes, choice, flag, integer, type Kind, list, matching, number, seconds, text, texts } from "./kinds.ts";

interface Setting<T> {
  readonly about: string;
  readonly kind: Kind<T>;
  readonly standard: T;
}
const setting = <T>(about: string, kind: Kind<T>, standard: T): Setting<T> => ({ about, kind, standard });
const optional = <T>(about: string, kind: Kind<T>): Setting<T | undefined> => ({ about, kind, standard: undefined });

const MODEL = "the name of a model, such as anthropic/NAME, openai/NAME, ollama/NAME, or offline";

const MOST_RUNNING = 4096;
/** The most numbers of processes that Linux can have. */
const MOST_PIDS = 2 ** 22;
/** Below it hardly a shell starts. */
const LEAST_MEMORY = 2 ** 22;

export const table = {
  host: setting("The address to listen on.", matching(/^[\w.:-]+$/, "an IP address or a host name"), "127.0.0.1"),
  port: setting("The port to listen on; 0 is any free one.", integer(0, 65535), 4327),
  allowed_hosts: setting(
    "Names under which browsers may reach the host, beside loopback.",
    list(/^[\w.-]+(:\d+)?$|^\[[\da-fA-F:]+\](:\d+)?$/, "a list of host names such as hearth.example.org"),
    [],
  ),
  proxy: setting("A proxy that speaks TLS stands in front of the host.", flag(), false),
  "tls.cert": optional("A certificate chain in PEM.", text("the path of a file")),
  "tls.key": optional("Its private key in PEM.", text("the path of a file")),

  model: optional("The model that answers; without one, the offline model.", text(MODEL)),
  fallback_model: optional("The model that answers when the first one cannot.", text(MODEL)),
  base_url: optional(
    "The address of an OpenAI-compatible endpoint, used by the provider `openai`.",
    matching(/^https?:\/\/\S+$/, "an address that begins with http:// or https://"),
  ),
  approvals: setting(
    "Which of the agent's actions a person is asked about: all that change something, dangerous ones, none.",
    choice("ask", "dangerous", "off"),
    "ask",
  ),
  redaction: setting(
    "Whether secrets are taken out of output and commands before a model, the log or a client gets them.",
    choice("on", "off"),
    "on",
  ),
  redaction_variables: setting(
    "Variables whose values are secret although their names do not say so.",
    list(/^[A-Za-z_][A-Za-z0-9_]*$/, "a list of names of variables"),
    [],
  ),
  redaction_extra: setting(
    "What else is secret: texts, and shapes of keys as expressions between slashes that begin with three fixed characters or more, such as `/acme_[a-z0-9]{32}/`.",
    texts(
      'a list of texts of 8 characters or more and of expressions; as a variable one of JSON, such as ["/acme_[a-z0-9]{32}/"]',
    ),
    [],
  ),
  tools: optional("The tools that the agent may use; without it, all.", list(/^[\w-]+$/, "a list of tool names")),

  "processes.grace_s": setting("Seconds between asking a process to end and ending it.", seconds(0, 60), 2),
  "processes.wait_limit_s": setting("The longest the agent may wait for a process at a time.", seconds(1, 86_400), 180),
  "processes.spool_bytes": setting(
    "Output that is kept of each process; the oldest goes first.",
    bytes(2 ** 20, 2 ** 40),
    64 * 2 ** 20,
  ),
  "processes.keep_ended": setting(
    "Ended processes that are kept, with their output; the oldest goes first, but none whose end its agent has not been told.",
    integer(0, 10_000),
    64,
  ),
  "processes.keep_minutes": setting(
    "How long an ended process is kept, with its output; longer until its agent has been told of the end.",
    integer(0, 525_600),
    30,
  ),
  "processes.drain_s": setting(
    "Seconds after its end from which a process is marked because something it has started still holds its output open.",
    seconds(0, 86_400),
    60,
  ),
  "processes.active_h": setting(
    "The age in hours from which a running process no longer counts as activity of its session.",
    integer(1, 100_000),
    24,
  ),
  "processes.running": setting(
    "How many processes may run at a time; one more is refused.",
    integer(1, MOST_RUNNING),
    MOST_RUNNING,
  ),
  "processes.limits": setting(
    "Whether the limits of memory, processors and processes are enforced where the machine can (`possible`), whether nothing starts where it cannot (`required`), or neither (`off`).",
    choice("possible", "required", "off"),
    "possible",
  ),
  "processes.memory_bytes": optional(
    "The memory that one process with all it starts may have; without it, all there is.",
    bytes(LEAST_MEMORY, 2 ** 50),
  ),
  "processes.cpus": optional(
    "The processors' worth of time that one process with all it starts may have, such as 1.5; without it, all there is.",
    number(0.01, 4096),
  ),
  "processes.pids": optional(
    "How many processes and threads one process may have become; without it, 4096 with control groups of version 2, and any number with those of version 1, where the limit would cost each start some 15 ms.",
    integer(1, MOST_PIDS),
  ),
  "sessions.wakes_per_hour": setting(
    "How often notices alone may wake a session's agent within an hour; after that they wait, and are told together.",
    integer(1, 1_000),
    20,
  ),
  "sessions.running": setting(
    "How many processes of one session may run at a time; one more is refused.",
    integer(1, MOST_RUNNING),
    256,
  ),
  "sessions.memory_bytes": optional(
    "The memory that all processes and terminals of one session may have together.",
    bytes(LEAST_MEMORY, 2 ** 50),
  ),
  "sessions.cpus": optional(
    "The processors' worth of time that all processes and terminals of one session may have together.",
    number(0.01, 4096),
  ),
  "sessions.pids": optional("How many processes and threads a session may have in all.", integer(1, MOST_PIDS)),
  "processes.sandbox": setting(
    "Where the agent's commands run: `local`, or a section `[sandboxes.NAME]`.",
    matching(/^[a-z][a-z0-9_-]{0,39}$/, "local, or the name of a sandbox"),
    "local",
  ),
  "environment.pass": setting(
    "Variables of the host's environment that processes get beside the usual ones.",
    list(/^[A-Za-z_][A-Za-z0-9_]*$/, "a list of names of variables"),
    [],
  ),
  "turns.on_restart": setting(
    "What becomes of a turn that a crash of the host cut short.",
    choice("continue", "interrupt"),
    "continue",
  ),
  "shutdown.grace_s": setting("Seconds an orderly stop may take before the host is ended.", seconds(0, 300, false), 1),
  "log.level": setting(
    "How much the host writes to its log.",
    choice("trace", "debug", "info", "warn", "error", "fatal", "silent"),
    "info",
  ),
} as const satisfies Record<string, Setting<unknown>>;

export type Key = keyof typeof table;
export type Values = { [K in Key]: (typeof table)[K] extends Setting<infer T> ? T : never };
export const keys = Object.keys(table) as readonly Key[];

/** The variable that says the same as a key of the config file. */
export const variableOf = (key: string): string =>
  `HEARTH_${key.replaceAll(".", "_").replaceAll("-", "_").toUpperCase()}`;

/** Collects sentences about what is wrong, in the order in which they are found. */
export type Warn = (text: string) => void;

/** All values of the table, each from its variable, else from the file, else its standard. A wrong one is named and passed over. */
export function readTable(
  env: Readonly<Record<string, string | undefined>>,
  file: { path: string; content: Readonly<Record<string, unknown>> },
  warn: Warn,
): { values: Values; sources: Record<Key, string> } {
  const values: Record<string, unknown> = {};
  const sources: Record<string, string> = {};
  for (const key of keys) {
    const { kind, standard }: Setting<unknown> = table[key];
    const found = candidates(env, file, key, kind);
    values[key] = standard;
    sources[key] = "default";
    for (const { from, value } of found) {
      const checked = kind.schema.safeParse(value);
      if (checked.success) {
        values[key] = checked.data;
        sources[key] = from;
        break;
      }
      warn(
        `${from === file.path ? `${key} in ${from}` : from} is ${shown(value)}: it takes ${kind.allowed}. It is ignored.`,
      );
    }
  }
  return { values: values as Values, sources: sources as Record<Key, string> };
}

function candidates(
  env: Readonly<Record<string, string | undefined>>,
  file: { path: string; content: Readonly<Record<string, unknown>> },
  key: Key,
  kind: Kind<unknown>,
): { from: string; value: unknown }[] {
  const variable = variableOf(key);
  const said = env[variable];
  const written = lookUp(file.content, key);
  return [
    ...(said === undefined || said === "" ? [] : [{ from: variable, value: kind.fromText(said) }]),
    ...(written === undefined ? [] : [{ from: file.path, value: written }]),
  ];
}

function lookUp(content: Readonly<Record<string, unknown>>, key: string): unknown {
  return key.split(".").reduce<unknown>((at, part) => (isTable(at) ? at[part] : undefined), content);
}

/** True for a table of TOML. */
export function isTable(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof Date);
}

/** A wrong value as it may be shown: short, on one line. */
function shown(value: unknown): string {
  const written = JSON.stringify(value) ?? String(value);
  return written.length > 60 ? `${written.slice(0, 57)}…` : written;
}

/** Names keys of the file that mean nothing here; `known` are read elsewhere, with all that is below them. */
export function warnOfUnknown(
  file: { path: string; content: Readonly<Record<string, unknown>> },
  known: readonly string[],
  warn: Warn,
): void {
  const sections = new Set(keys.filter((key) => key.includes(".")).map((key) => key.slice(0, key.indexOf("."))));
  for (const [name, value] of Object.entries(file.content)) {
    if (known.includes(name) || name in table) continue;
    if (!sections.has(name)) {
      warn(`${name} in ${file.path} is no setting: there are ${[...new Set([...keys, ...known])].join(", ")}.`);
    } else if (!isTable(value)) {
      warn(`${name} in ${file.path} is a section: write [${name}] and its settings below.`);
    } else {
      for (const inner of Object.keys(value)) {
        if (`${name}.${inner}` in table) continue;
        const siblings = keys.filter((key) => key.startsWith(`${name}.`));
        warn(`${name}.${inner} in ${file.path} is no setting: there are ${siblings.join(", ")}.`);
      }
    }
  }
}
