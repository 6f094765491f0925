// `hearth run --memory 512MiB --cpus 1.5 --pids 100`: what a person writes, as the protocol takes it.
import { bytes, integer, type Kind, number } from "../config/kinds.ts";
import type { Params } from "../protocol/methods.ts";
import { CliError, EXIT } from "./failure.ts";

export interface LimitOptions {
  memory?: string;
  cpus?: string;
  pids?: string;
}

const kinds = { memory: bytes(2 ** 20, 2 ** 50), cpus: number(0.01, 4096), pids: integer(1, 2 ** 22) } as const;

/** Undefined where nothing is asked for. Throws CliError, with what is allowed. */
export function limitsFrom({ memory, cpus, pids }: LimitOptions): Params<"process.start">["limits"] {
  const limits = {
    ...(memory !== undefined && { memory_bytes: take("memory", kinds.memory, memory) }),
    ...(cpus !== undefined && { cpus: take("cpus", kinds.cpus, cpus) }),
    ...(pids !== undefined && { pids: take("pids", kinds.pids, pids) }),
  };
  return Object.keys(limits).length === 0 ? undefined : limits;
}

function take(name: string, kind: Kind<number>, text: string): number {
  const checked = kind.schema.safeParse(kind.fromText(text));
  if (checked.success) return checked.data;
  throw new CliError(`--${name} ${text} is no limit: it takes ${kind.allowed}.`, EXIT.usage);
}
