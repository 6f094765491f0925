// The files of a child, as text: written for the keeper, and believed only when the keeper signed them.
import { timingSafeEqual } from "node:crypto";
import { join } from "node:path";
import { getSystemErrorName } from "node:util";
import { HostError } from "../protocol/errors.ts";
import { readSmall } from "./files.ts";
import { hmac } from "./mac.ts";
import type { ChildSpec, Closed, End, Live, Transport } from "./types.ts";

/** A spec with what only host and keeper know. */
export interface Intent {
  spec: ChildSpec;
  /** Stands in the child's environment; says who it is, opens nothing. */
  mark: string;
  /** Opens the keeper's socket and signs its records. */
  secret: string;
  createdAt: number;
}

const defaultQuota = 64 * 1024 * 1024;

/** NUL-terminated `key=value` entries, the last one `end`. Throws `invalid_params` where a value cannot be passed on. */
export function encodeIntent({ spec, mark, secret, createdAt }: Intent): Buffer {
  if (spec.argv.length === 0) throw new HostError("invalid_params", "A command needs at least one word.");
  const entries = [
    `id=${spec.id}`,
    `created=${createdAt}`,
    `mark=${mark}`,
    `secret=${secret}`,
    `mode=${spec.mode}`,
    `rows=${spec.rows ?? 30}`,
    `cols=${spec.cols ?? 120}`,
    `quota=${spec.quotaBytes ?? defaultQuota}`,
    `pty_fallback=${spec.ptyFallback ? 1 : 0}`,
    `cwd=${spec.cwd}`,
    ...(spec.groups ?? []).map((group) => `cgroup=${group}`),
    `cgroup_required=${spec.groupsRequired ? 1 : 0}`,
    ...(spec.startDeadlineMs === undefined ? [] : [`deadline=${Math.round(spec.startDeadlineMs)}`]),
    ...encodeTransport(spec.transport),
    ...spec.argv.map((word) => `arg=${word}`),
    ...Object.entries(spec.env).map(([name, value]) => `env=${name}=${value}`),
    ...Object.entries(spec.facts ?? {}).map(([name, value]) => `fact=${name}=${value}`),
    "end",
  ];
  if (entries.some((entry) => entry.includes("\0")))
    throw new HostError("invalid_params", "A command, its environment and its directory cannot contain a NUL.");
  return Buffer.from(`${entries.join("\0")}\0`);
}

function encodeTransport(transport: Transport | undefined): string[] {
  if (transport === undefined) return [];
  if (transport.argv.length === 0) throw new HostError("invalid_params", "The way into a sandbox needs a command.");
  return [
    `via_cwd=${transport.cwd}`,
    ...transport.argv.map((word) => `via_arg=${word}`),
    ...Object.entries(transport.env).map(([name, value]) => `via_env=${name}=${value}`),
  ];
}

/** The other way round; undefined where it is torn or not a spec at all. */
export function decodeIntent(bytes: Buffer): Intent | undefined {
  const entries = bytes.toString().split("\0");
  if (entries.pop() !== "" || entries.pop() !== "end") return undefined;
  const single = new Map<string, string>();
  const many = new Map<string, string[]>();
  for (const key of ["arg", "env", "fact", "cgroup", "via_arg", "via_env"]) many.set(key, []);
  for (const entry of entries) {
    const [key, value] = cut(entry);
    if (many.has(key)) many.get(key)?.push(value);
    else single.set(key, value);
  }
  const all = (key: string): string[] => many.get(key) ?? [];
  const [id, mark, secret, cwd] = [single.get("id"), single.get("mark"), single.get("secret"), single.get("cwd")];
  if (id === undefined || !mark || !secret || cwd === undefined || all("arg").length === 0) return undefined;
  const spec: ChildSpec = {
    id,
    argv: all("arg"),
    env: Object.fromEntries(all("env").map(cut)),
    cwd,
    mode: single.get("mode") === "pty" ? "pty" : "pipe",
    rows: Number(single.get("rows")),
    cols: Number(single.get("cols")),
    quotaBytes: Number(single.get("quota")),
    ptyFallback: single.get("pty_fallback") === "1",
    groups: all("cgroup"),
    groupsRequired: single.get("cgroup_required") === "1",
    facts: Object.fromEntries(all("fact").map(cut)),
  };
  const [deadline, viaCwd] = [single.get("deadline"), single.get("via_cwd")];
  if (deadline !== undefined) spec.startDeadlineMs = Number(deadline);
  if (viaCwd !== undefined)
    spec.transport = { argv: all("via_arg"), env: Object.fromEntries(all("via_env").map(cut)), cwd: viaCwd };
  return { spec, mark, secret, createdAt: Number(single.get("created")) };
}

function cut(entry: string): [string, string] {
  const at = entry.indexOf("=");
  return at < 0 ? [entry, ""] : [entry.slice(0, at), entry.slice(at + 1)];
}

/** What a record file holds. "absent" includes one whose space is only reserved; "forged" is whole, but not the keeper's. */
export type Found = { state: "absent" | "torn" | "forged" } | { state: "signed"; fields: ReadonlyMap<string, string> };

/** Judges the text of a record by its signature. */
export function judgeRecord(name: string, bytes: Buffer, secret: string): Found {
  const padding = bytes.indexOf(0);
  const text = (padding < 0 ? bytes : bytes.subarray(0, padding)).toString();
  if (text === "") return { state: "absent" };
  const parts = /^((?:[a-z_]+=.*\n)*?)mac=([0-9a-f]{64})\nend\n$/.exec(text);
  if (parts === null) return { state: text.endsWith("\nend\n") ? "forged" : "torn" };
  const [, body = "", mac = ""] = parts;
  const expected = hmac(secret, `${name}\n${body}`);
  if (!timingSafeEqual(expected, Buffer.from(mac, "hex"))) return { state: "forged" };
  return { state: "signed", fields: fieldsOf(body.trimEnd().split("\n")) };
}

/** Reads and judges `dir/name`. */
export async function readRecord(
  dir: string,
  name: "live" | "inside" | "exit" | "closed",
  secret: string,
): Promise<Found> {
  const bytes = await readSmall(join(dir, name)).catch(absentAsEmpty);
  return judgeRecord(name, bytes, secret);
}

/** For `catch`: a file that is not there is an empty one; any other failure stays one. */
export function absentAsEmpty(error: NodeJS.ErrnoException): Buffer {
  if (error.code === "ENOENT") return Buffer.alloc(0);
  throw error;
}

type Fields = ReadonlyMap<string, string>;

/** `key=value` each. */
export function fieldsOf(entries: readonly string[]): Fields {
  return new Map(entries.map(cut));
}

/** What the record of a running child says of it. */
export function toLive(fields: Fields): Live {
  return {
    keeperPid: Number(fields.get("keeper")),
    pid: Number(fields.get("pid")),
    pidInside: null,
    startTick: fields.get("tick") ?? "",
    bootId: fields.get("boot") ?? "",
    mode: fields.get("mode") === "pty" ? "pty" : "pipe",
    startedAt: Number(fields.get("started")),
    bestEffort: fields.get("best_effort") === "1",
    unlimited: Number(fields.get("unlimited") ?? 0) === 0 ? null : errnoName(Number(fields.get("unlimited"))),
  };
}

/** What is known once the inside half has spoken: the rest stays as this machine's side of it was recorded. */
export function withInside(live: Live, fields: Fields): Live {
  return {
    ...live,
    pidInside: Number(fields.get("pid")),
    mode: fields.get("mode") === "pty" ? "pty" : "pipe",
    startedAt: Number(fields.get("started")),
    bestEffort: fields.get("best_effort") === "1",
  };
}

export interface Failure {
  kind: "failed_start";
  step: string;
  errno: string;
  /** The last that the way into its sandbox said. */
  words?: string;
}

const endings = ["itself", "signal", "kill"] as const;

/** The end an exit record tells of, or which step of the start failed. */
export function toEnd(fields: Fields): End | Failure {
  const words = wordsIn(fields);
  if (fields.get("kind") === "failed_start")
    return {
      kind: "failed_start",
      step: fields.get("step") ?? "",
      errno: errnoName(Number(fields.get("errno"))),
      ...words,
    };
  if (fields.get("kind") === "lost") return { kind: "lost", reason: "transport_gone", ...words };
  const endedBy = endings.find((word) => word === fields.get("ended_by"));
  const [code, signal] = [fields.get("code"), fields.get("signal")];
  return {
    kind: "exited",
    code: code === undefined ? null : Number(code),
    signal: signal === undefined ? null : Number(signal),
    core: fields.get("core") === "1",
    endedAt: Number(fields.get("ended")),
    bytesAtExit: Number(fields.get("bytes")),
    ...(endedBy === undefined ? {} : { endedBy }),
  };
}

/** One line in the record: `\\n` is a line break. They may begin in the middle of a character. */
function wordsIn(fields: Fields): { words?: string } {
  const line = fields.get("words");
  if (line === undefined) return {};
  const words = line.replace(/\\([\\n])/g, (_, letter: string) => (letter === "n" ? "\n" : letter));
  return { words: words.replace(/^\uFFFD+/, "").trim() };
}

/** How its output ended. */
export function toClosed(fields: Fields): Closed {
  return { bytes: Number(fields.get("bytes")), stragglers: Number(fields.get("stragglers")) };
}

/** "ENOENT" for 2. */
export function errnoName(errno: number): string {
  if (!(Number.isInteger(errno) && errno > 0)) return "EUNKNOWN";
  return getSystemErrorName(-errno);
}
