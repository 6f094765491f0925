// The tool `search_files`: where a text occurs in a directory, within bounds of time, files and matches.
import { stat } from "node:fs/promises";
import * as z from "zod";
import { Glob } from "./glob.ts";
import { explain, type Keepout, openRegular, shown, toAbsolute } from "./paths.ts";
import { BadArguments, defineTool, ok, type Tool } from "./tool.ts";
import { visible } from "./visible.ts";
import { type Found, walk } from "./walk.ts";

const MAX_MATCHES = 200;
const MAX_FILES = 20_000;
const MAX_FILE_BYTES = 2 * 1024 * 1024;
const MAX_LINE = 300;
const MAX_MS = 10_000;
/** Files read at the same time: enough to keep the disk busy, few enough to leave the thread pool to others. */
const TOGETHER = 8;

const parameters = z.strictObject({
  query: z.string().min(1).max(1000).describe("The text to find, taken literally; it lies within one line"),
  path: z.string().min(1).max(4096).optional().describe("Directory or file to search; default: the workspace"),
  glob: z
    .string()
    .min(1)
    .max(500)
    .optional()
    .describe(
      "Only files whose name matches; * and ? stand for other characters, {a,b} for either. With a slash in it the whole " +
        "path below the searched directory is matched, and ** crosses directories",
    ),
  case_sensitive: z.boolean().optional().describe("Default true"),
  limit: z.number().int().min(1).max(MAX_MATCHES).optional().describe(`Most matching lines; default ${MAX_MATCHES}`),
});

export function searchFilesTool(keepout: Keepout): Tool {
  return defineTool({
    name: "search_files",
    description:
      "Finds a text in the files of a directory and below. Answers with one matching line per line, as path:line number: " +
      `text. Leaves out .git, node_modules, what .gitignore names, binary files, links and files over 2 MiB. ` +
      `Stops at ${MAX_MATCHES} matches, ${MAX_FILES} files or 10 seconds, and says so.`,
    parameters,
    afterCrash: "again",
    plan: async (args, ctx) => ({
      preview: visible(
        `Search "${args.query}" in ${shown(ctx.workspace, toAbsolute(ctx.workspace, args.path ?? "."))}`,
      ),
    }),
    run: async (args, ctx) => {
      if (/[\r\n]/.test(args.query))
        throw new BadArguments("query contains a line break: search for the text of one line");
      const root = toAbsolute(ctx.workspace, args.path ?? ".");
      const search = new Search({
        find: finder(args.query, args.case_sensitive ?? true),
        limit: args.limit ?? MAX_MATCHES,
        name: (path) => shown(ctx.workspace, path),
        keepout,
        signal: ctx.signal,
      });
      if ((await stat(root).catch(explain(root))).isDirectory()) {
        await keepout.check(root);
        await search.directory(root, args.glob === undefined ? undefined : new Glob(args.glob));
      } else {
        await search.file(root);
      }
      return ok(search.answer());
    },
  });
}

/** Finds the lines of a file that hold the text: 1-based number and the line itself. */
type Finder = (bytes: Buffer, most: number) => { line: number; text: string }[];

function finder(query: string, caseSensitive: boolean): Finder {
  const needle = Buffer.from(query);
  const folded = query.toLowerCase();
  return (bytes, most) => {
    // The cheap look first: nearly all files hold nothing, and then no line is ever made of them.
    if (caseSensitive ? !bytes.includes(needle) : !bytes.toString("utf8").toLowerCase().includes(folded)) return [];
    const found: { line: number; text: string }[] = [];
    const lines = bytes.toString("utf8").split("\n");
    for (const [index, text] of lines.entries()) {
      if (!(caseSensitive ? text.includes(query) : text.toLowerCase().includes(folded))) continue;
      found.push({ line: index + 1, text });
      if (found.length === most) break;
    }
    return found;
  };
}

interface SearchOptions {
  find: Finder;
  limit: number;
  name: (path: string) => string;
  keepout: Keepout;
  signal: AbortSignal;
}

class Search {
  readonly #options: SearchOptions;
  readonly #lines: string[] = [];
  readonly #deadline = performance.now() + MAX_MS;
  #files = 0;
  #filesWithMatches = 0;
  #large = 0;
  #unreadable = 0;
  #stopped: string | undefined;

  constructor(options: SearchOptions) {
    this.#options = options;
  }

  async directory(root: string, glob: Glob | undefined): Promise<void> {
    let batch: Found[] = [];
    const unreadable = (): void => {
      this.#unreadable += 1;
    };
    for await (const found of walk(root, unreadable)) {
      this.#options.signal.throwIfAborted();
      if (performance.now() > this.#deadline) this.#stopped ??= "10 seconds are over";
      if (this.#stopped !== undefined) return;
      if (glob && !glob.match(found.relative)) continue;
      if (this.#files + batch.length === MAX_FILES) {
        this.#stopped ??= `${MAX_FILES} files have been searched`;
        break;
      }
      batch.push(found);
      if (batch.length < TOGETHER) continue;
      await this.#all(batch);
      batch = [];
    }
    await this.#all(batch);
  }

  async #all(batch: readonly Found[]): Promise<void> {
    const contents = await Promise.all(batch.map(({ path }) => this.#read(path).catch(() => "unreadable" as const)));
    for (const [index, content] of contents.entries()) {
      const path = batch[index]?.path;
      if (path !== undefined) this.#take(path, content);
    }
  }

  /** Unlike in a directory, a file that was named is an error if it cannot be searched. */
  async file(path: string): Promise<void> {
    const content = await this.#read(path);
    if (content === "binary") throw new Error(`${path} is a binary file`);
    if (content === "large") throw new Error(`${path} is larger than 2 MiB: search it with the terminal`);
    this.#take(path, content);
  }

  async #read(path: string): Promise<Buffer | "binary" | "large"> {
    await using file = await openRegular(path, this.#options.keepout);
    if (file.stats.size > MAX_FILE_BYTES) return "large";
    // Not readFile: a file that grows meanwhile is read to the size it had.
    const bytes = Buffer.allocUnsafe(file.stats.size);
    const { bytesRead } = await file.handle.read(bytes, 0, bytes.length, 0);
    return bytes.subarray(0, Math.min(bytesRead, 8192)).includes(0) ? "binary" : bytes.subarray(0, bytesRead);
  }

  #take(path: string, content: Buffer | "binary" | "large" | "unreadable"): void {
    this.#files += 1;
    if (content === "large") this.#large += 1;
    if (content === "unreadable") this.#unreadable += 1;
    if (typeof content === "string" || this.#stopped !== undefined) return;
    const { find, limit, name } = this.#options;
    const found = find(content, limit - this.#lines.length + 1);
    if (found.length > 0) this.#filesWithMatches += 1;
    for (const { line, text } of found) {
      if (this.#lines.length === limit) {
        this.#stopped = `there are more than ${limit} matches`;
        return;
      }
      const trimmed = text.trimEnd();
      this.#lines.push(
        `${name(path)}:${line}: ${trimmed.length > MAX_LINE ? `${trimmed.slice(0, MAX_LINE)}…` : trimmed}`,
      );
    }
  }

  answer(): string {
    const matches = this.#lines.length;
    const notes = [
      matches === 0
        ? `No match in ${count(this.#files, "file")}`
        : `${count(matches, "match", "matches")} in ${count(this.#filesWithMatches, "file")}, of ${this.#files} searched`,
      ...(this.#large > 0 ? [`${count(this.#large, "file")} over 2 MiB left out`] : []),
      ...(this.#unreadable > 0 ? [`${this.#unreadable} could not be read`] : []),
      ...(this.#stopped === undefined ? [] : [`stopped early: ${this.#stopped}; narrow the search by path or glob`]),
    ];
    return `${this.#lines.map((line) => `${line}\n`).join("")}${matches > 0 ? "\n" : ""}[${notes.join("; ")}.]`;
  }
}

const count = (n: number, one: string, many = `${one}s`): string => `${n} ${n === 1 ? one : many}`;
