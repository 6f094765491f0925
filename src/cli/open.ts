// `token` and `open`: ways in for other clients and for the browser.
import { environment } from "../config/environment.ts";
import { openBrowser } from "./browser.ts";
import { connect, readToken } from "./connect.ts";
import { EXIT } from "./failure.ts";
import { folderNamed, inFolder } from "./folder.ts";
import { safeJson } from "./safe-text.ts";
import type { Screen } from "./screen.ts";

/** Prints the token of the home. Throws CliError where no host was ever started on it. */
export async function token(home: string, json: boolean, screen: Screen): Promise<number> {
  const secret = await readToken(home);
  screen.line(json ? safeJson({ token: secret }) : secret);
  return EXIT.done;
}

/** Opens the page logged in, with `dir` to work there; prints the address too, for who has no screen here. */
export async function open(
  home: string,
  dir: string | undefined,
  json: boolean,
  cwd: string,
  screen: Screen,
): Promise<number> {
  const folder = dir === undefined ? undefined : await folderNamed(dir, cwd);
  using connected = await connect(home);
  const minted = await connected.client.call("ticket.mint", {});
  const url = inFolder(minted.url, folder);
  if (json) {
    screen.line(safeJson({ url }));
    return EXIT.done;
  }
  screen.line(url);
  if (!(await openBrowser(url, environment())))
    screen.err("Open this address in a browser; it logs in once, within 10 minutes.\n");
  return EXIT.done;
}
