// `token` and `open`: ways in for other clients and for the browser.
import { environment } from "../config/environment.ts";
import { openBrowser } from "./browser.ts";
import { connect, readToken } from "./connect.ts";
import { EXIT } from "./failure.ts";
import type { Screen } from "./screen.ts";

export async function token(home: string, screen: Screen): Promise<number> {
  screen.line(await readToken(home));
  return EXIT.done;
}

/** Opens the page logged in; prints the address too, for who has no screen here. */
export async function open(home: string, screen: Screen): Promise<number> {
  using connected = await connect(home);
  const { url } = await connected.client.call("ticket.mint", {});
  screen.line(url);
  if (!(await openBrowser(url, environment())))
    screen.err("Open this address in a browser; it logs in once, within 10 minutes.\n");
  return EXIT.done;
}
