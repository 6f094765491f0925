// Inside halves on a far machine that belong to nobody here any more: one that was cut off may not notice for hours. They
// are ended the next time there is a connection.
import { randomBytes } from "node:crypto";
import { link, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import type { SshConnection } from "./ssh-connection.ts";
import type { SandboxContext } from "./types.ts";
import { quoted } from "./words.ts";

const MARK = "hearth-half:";

export class FarHalves {
  readonly #connection: SshConnection;
  readonly #context: SandboxContext;
  readonly #lives: (id: string) => boolean;
  #prefix: Promise<string> | undefined;

  /** `lives`: whether a process of this home, by its id, runs or is being started. */
  constructor(connection: SshConnection, context: SandboxContext, lives: (id: string) => boolean) {
    this.#connection = connection;
    this.#context = context;
    this.#lives = lives;
    connection.onConnected = () => void this.sweep().catch((error: unknown) => context.warn(String(error)));
  }

  /** The words that run the half of a process, by which it can be told from others there. */
  async words(keeper: string, id: string): Promise<string> {
    return `exec ${quoted(keeper)} inside ${await this.#prefixOfHome()}${id}`;
  }

  /** Not of the home's path: many machines may have the same, and use the same account. */
  #prefixOfHome(): Promise<string> {
    this.#prefix ??= (async () => {
      const file = path.join(this.#connection.folder, "known-as");
      await mkdir(this.#connection.folder, { recursive: true, mode: 0o700 });
      const name = randomBytes(8).toString("hex");
      const fresh = `${file}.${name}`;
      await writeFile(fresh, `${name}\n`, { flag: "wx", mode: 0o600, flush: true });
      // It is there whole or not at all: an empty one, left by a crash, would be found in the words of every half there.
      await link(fresh, file).catch((error: NodeJS.ErrnoException) => {
        if (error.code !== "EEXIST") throw error;
      });
      await rm(fresh);
      return `${(await readFile(file, "utf8")).trim()}/`;
    })();
    this.#prefix.catch(() => {
      this.#prefix = undefined; // a full disk, and it may not be full for ever
    });
    return this.#prefix;
  }

  /** Ends those of processes that do not live. */
  async sweep(): Promise<void> {
    const prefix = await this.#prefixOfHome();
    const seen = await this.#run([
      `cd /proc && for c in $(grep -lsF ${prefix} [0-9]*/cmdline); do`,
      `case "$(tr '\\0' ' ' < "$c")" in */keeper-*" inside ${prefix}"*) echo "${MARK} \${c%/*} $(tr '\\0' '\\n' < "$c" | tail -n 1)";; esac`,
      "done",
    ]);
    // Asked only now: what was there a moment ago was known here before.
    const left = [...seen.matchAll(new RegExp(`^${MARK} (\\d+) ${prefix}(\\w+)$`, "gm"))].filter(
      ([, , id = ""]) => !this.#lives(id),
    );
    if (left.length === 0) return;
    await this.#run(
      left.map(
        ([, pid, id]) =>
          `case "$(tr '\\0' ' ' < /proc/${pid}/cmdline)" in */keeper-*" inside ${prefix}${id} ") kill -TERM ${pid};; esac`,
      ),
    );
    this.#context.warn(
      `Ended on ${this.#context.name} what was cut off there: ${left.map(([, , id]) => id).join(", ")}`,
    );
  }

  async #run(lines: readonly string[]): Promise<string> {
    return (await this.#connection.run("exec /bin/sh -s", Buffer.from(`${lines.join("\n")}\n`))).text;
  }
}
