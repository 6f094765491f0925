// `hearth status`: what runs, where, since when.
import { connect } from "./connect.ts";
import { EXIT } from "./failure.ts";
import { answers, isAlive, readHostFile } from "./host-file.ts";
import { noHostOn } from "./no-host.ts";
import { safeJson, safeLine } from "./safe-text.ts";
import { type Screen, size, span } from "./screen.ts";

/** Exit code 0 if a host runs and answers, else 1. */
export async function status(home: string, json: boolean, screen: Screen): Promise<number> {
  if (!(await answers(home, 2_000))) {
    const file = await readHostFile(home);
    const silent = file !== undefined && (await isAlive(file));
    if (json) screen.line(safeJson({ running: false, home, silent }));
    else if (silent)
      screen.err(`The host with process ${file.pid} does not answer: \`hearth up\` ends it and takes over.\n`);
    else screen.err(`${noHostOn(home)}\n`);
    return EXIT.failed;
  }
  using connected = await connect(home);
  const now = await connected.client.call("host.status", {});
  if (json) {
    screen.line(safeJson({ running: true, ...now }));
    return EXIT.done;
  }
  const rows = [
    ["address", now.address],
    ["since", `${span(Date.now() - now.started_at)} (process ${now.pid}, build ${now.build})`],
    ["home", now.home],
    ["model", now.model],
    ["sessions", `${now.sessions}, ${now.turns} with a turn in progress`],
    ["processes", `${now.processes} running`],
    ["terminals", `${now.terminals} open`],
    ["clients", `${now.clients} connected${now.watchers > 0 ? `, ${now.watchers} watching by links` : ""}`],
    ["memory", size(now.memory_bytes)],
  ] as const;
  for (const [name, value] of rows) screen.line(`${screen.style("dim", name.padEnd(10))} ${safeLine(value)}`);
  return EXIT.done;
}
