// What a repository says is not worth reading: the rules of `.gitignore` files, each counting from its own directory.
import { Glob } from "./glob.ts";

interface Rule {
  glob: Glob;
  keep: boolean;
  directoryOnly: boolean;
}

/** A file with more rules than this is cut: the rest of its rules is not obeyed. */
const MAX_RULES = 2000;

/** The rules that hold in one directory: its own after those from above, the last one that matches decides. */
export class Ignore {
  readonly #above: Ignore | undefined;
  readonly #rules: readonly Rule[];
  /** Path of the directory below the root of the walk: `""`, or `a/b/` with a slash at its end. */
  readonly #base: string;

  constructor(text: string, base: string, above?: Ignore) {
    this.#above = above;
    this.#base = base;
    this.#rules = text
      .split(/\r?\n/)
      .slice(0, MAX_RULES)
      .map(parse)
      .filter((rule) => rule !== undefined);
  }

  /** `path` is relative to the root of the walk and lies below this directory. */
  ignores(path: string, isDirectory: boolean): boolean {
    return this.#decision(path, isDirectory) ?? false;
  }

  #decision(path: string, isDirectory: boolean): boolean | undefined {
    const own = path.slice(this.#base.length);
    const rule = this.#rules.findLast((rule) => (isDirectory || !rule.directoryOnly) && rule.glob.match(own));
    if (rule !== undefined) return !rule.keep;
    return this.#above === undefined ? undefined : this.#above.#decision(path, isDirectory);
  }
}

function parse(line: string): Rule | undefined {
  let text = line.replace(/(?<!\\)[ \t]+$/, "");
  if (text === "" || text.startsWith("#")) return undefined;
  const keep = text.startsWith("!");
  if (keep) text = text.slice(1);
  const directoryOnly = text.endsWith("/");
  if (directoryOnly) text = text.slice(0, -1);
  if (text === "") return undefined;
  // Braces are nothing special to Git.
  return { glob: new Glob(text, { braces: false }), keep, directoryOnly };
}
