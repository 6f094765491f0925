// What `hearth doctor` says of limits: what is enforced here, and what to do where it is not.
import { survey } from "../limits/machine.ts";
import type { Result } from "../protocol/methods.ts";
import { connect } from "./connect.ts";
import type { Finding } from "./doctor.ts";

type Offered = Result<"host.status">["limits"];

/** Of the host, if one runs; else of this process, which is where a host would be. */
export async function limitsFindings(home: string, running: boolean): Promise<Finding[]> {
  return [finding(running ? await offeredByHost(home) : await offeredHere())];
}

async function offeredByHost(home: string): Promise<Offered> {
  using connected = await connect(home);
  return (await connected.client.call("host.status", {})).limits;
}

async function offeredHere(): Promise<Offered> {
  const { places, why } = await survey();
  const controllers = [...new Set(places.flatMap((place) => place.controllers))];
  const kind = places.length === 0 ? "none" : places.some(({ version }) => version === 2) ? "cgroup2" : "cgroup1";
  return { kind, controllers, ...(why === null ? {} : { why }) };
}

/** Exported for tests. */
export function finding({ kind, controllers, why }: Offered): Finding {
  const what = "Limits";
  const version = kind === "cgroup2" ? 2 : 1;
  // Version 1 makes a start wait: nobody pays for that who has not asked for it.
  const unless = version === 1 && controllers.includes("pids") ? "; of pids only if processes.pids says how many" : "";
  const found =
    kind === "none" ? "none" : `${controllers.join(", ")}, by control groups of version ${version}${unless}`;
  if (why === undefined) return { what, state: "ok", found };
  const remedy = [
    "nothing keeps a process from taking all memory, or a session from taking all processors. Start the host where it may",
    "    divide a control group: `systemd-run --user --scope -p Delegate=yes hearth up --detach`, as a service with",
    "    `Delegate=yes` and `DelegateSubgroup=` (docs/service.md), or as root",
  ].join("\n");
  return { what, state: "advice", found: `${found}: ${why}`, remedy };
}
