// `hearth sandboxes`: where processes can run.
import { connect } from "./connect.ts";
import { EXIT } from "./failure.ts";
import { safeJson, safeLine } from "./safe-text.ts";
import { columns, type Screen } from "./screen.ts";

/** Lists `local` and the sandboxes of the settings; the agent's is marked. */
export async function sandboxes(home: string, json: boolean, screen: Screen): Promise<number> {
  using connected = await connect(home);
  const listed = await connected.client.call("sandbox.list", {});
  if (json) screen.line(safeJson(listed));
  else {
    const rows = listed.sandboxes.map(({ name, kind, about }) => [
      name === listed.default ? `${name} (agent)` : name,
      kind,
      safeLine(about),
    ]);
    screen.line(columns(["SANDBOX", "KIND", "WHAT"], rows));
  }
  return EXIT.done;
}
