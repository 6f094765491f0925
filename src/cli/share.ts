// `hearth share`: links by which somebody may watch one terminal or process, and nothing else.
import { connect } from "./connect.ts";
import { CliError, EXIT } from "./failure.ts";
import { safeJson } from "./safe-text.ts";
import { columns, type Screen, span } from "./screen.ts";

export interface ShareOptions {
  minutes?: number;
  list?: boolean;
  revoke?: string;
  json?: boolean;
}

/** Prints a new link, lists those there are, or ends one. */
export async function share(
  home: string,
  id: string | undefined,
  options: ShareOptions,
  screen: Screen,
): Promise<number> {
  const asked = [id !== undefined, options.list === true, options.revoke !== undefined].filter(Boolean).length;
  if (asked !== 1)
    throw new CliError("Name a terminal or process to share, or give either --list or --revoke.", EXIT.usage);
  using connected = await connect(home);
  const { client } = connected;
  if (options.revoke !== undefined) {
    const { revoked } = await client.call("share.revoke", { share_id: options.revoke });
    if (!revoked) throw new CliError("There is no such link (any more): `hearth share --list` shows those there are.");
    return EXIT.done;
  }
  if (id === undefined) {
    const { shares } = await client.call("share.list", {});
    if (options.json) screen.line(safeJson({ shares }));
    else if (shares.length === 0) screen.err("Nothing is shared.\n");
    else {
      const rows = shares.map((row) => [
        row.share_id,
        row.terminal_id ?? row.process_id ?? "",
        span(row.expires_at - Date.now()),
      ]);
      screen.line(columns(["LINK", "SHOWS", "FOR"], rows, screen.terminal ? screen.columns : undefined));
    }
    return EXIT.done;
  }
  const of = id.startsWith("term_") ? { terminal_id: id } : { process_id: id };
  const made = await client.call("share.create", {
    ...of,
    ...(options.minutes === undefined ? {} : { minutes: options.minutes }),
  });
  screen.line(options.json ? safeJson(made) : made.url);
  const time = span(made.expires_at - made.created_at);
  if (!options.json)
    screen.err(
      `Whoever opens it can watch for ${time}, and do nothing; \`hearth share --revoke ${made.share_id}\` ends it.\n`,
    );
  return EXIT.done;
}
