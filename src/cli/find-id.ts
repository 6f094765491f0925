// Which process or terminal is meant: its id, its name, or the beginning of its id, as docker takes them.
import { isId } from "../protocol/ids.ts";
import { connect } from "./connect.ts";
import { CliError, EXIT } from "./failure.ts";
import { safeLine } from "./safe-text.ts";

/** What names one process or terminal; of several of one name those that run come first. */
export interface Named {
  readonly process_id: string;
  readonly name: string | null;
  readonly status: string;
}

const MOST_LISTED = 5;

/**
 * The ids that are meant by these words. A whole id is taken as it is, without a question to the host; so is what fits
 * nothing, for the host to say so. Throws CliError where a word fits several.
 */
export async function findIds(home: string, words: readonly string[]): Promise<string[]> {
  if (words.every((word) => isId("process", word) || isId("terminal", word))) return [...words];
  using connected = await connect(home);
  const { processes } = await connected.client.call("process.list", { terminals: true });
  return words.map((word) => chosen(word, processes));
}

/** As `findIds`, for one. */
export async function findId(home: string, word: string): Promise<string> {
  const [id] = await findIds(home, [word]);
  return id ?? word;
}

/** The id that `word` means among `rows`: an id, else a name, else the beginning of an id. Exported for tests. */
export function chosen(word: string, rows: readonly Named[]): string {
  if (word === "" || rows.some((row) => row.process_id === word)) return word;
  const named = rows.filter((row) => row.name === word);
  const begun = rows.filter((row) => row.process_id.startsWith(word) || row.process_id.split("_")[1]?.startsWith(word));
  const all = named.length > 0 ? named : begun;
  const running = all.filter((row) => row.status === "running");
  const [only, ...others] = running.length > 0 ? running : all;
  if (only === undefined) return word;
  if (others.length === 0) return only.process_id;
  const ids = [only, ...others].map((row) => row.process_id);
  const shown = ids.slice(0, MOST_LISTED).join(", ") + (ids.length > MOST_LISTED ? ", …" : "");
  throw new CliError(`${ids.length} are meant by "${safeLine(word, 60)}": ${shown}. Say which.`, EXIT.usage);
}
