// `hearth attach` as a person meets it: in a terminal of its own (another host's), with a host that may die at any moment.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { text } from "node:stream/consumers";
import { after, before, describe, it } from "node:test";
import type { HearthClient } from "../../src/client/client.ts";
import { openTerminal } from "../../src/client/node.ts";
import { TerminalStream } from "../../src/client/terminal.ts";
import { RunningHost } from "../support/running-host.ts";

const root = resolve(import.meta.dirname, "../..");
const start = join(root, "src/cli/start.mjs");
const CTRL_P = "\x10";
const CTRL_Q = "\x11";

/** Somebody in front of a terminal, in which `hearth attach` runs between two looks at the terminal's settings. */
class Person implements AsyncDisposable {
  /** All that was shown since the last `forget`. */
  shown = "";
  readonly #waiting = new Set<() => void>();
  readonly #client: HearthClient;
  readonly #id: string;
  readonly #stream: TerminalStream;
  readonly #places: { before: string; after: string };

  private constructor(client: HearthClient, id: string, where: { socketPath: string; token: string }, places: string) {
    this.#client = client;
    this.#id = id;
    this.#places = { before: join(places, "before"), after: join(places, "after") };
    this.#stream = new TerminalStream({
      open: (from) => openTerminal(where, id, from),
      listener: {
        onReset: () => undefined,
        onBytes: (bytes) => {
          this.shown += Buffer.from(bytes).toString("latin1");
          for (const wake of [...this.#waiting]) wake();
        },
      },
    });
  }

  static async attach(at: RunningHost, to: RunningHost, folder: string, words: readonly string[]): Promise<Person> {
    const client = await at.client();
    const hearth = `'${process.execPath}' --disable-warning=ExperimentalWarning '${start}' attach ${words.join(" ")}`;
    const script = `trap : INT; stty -a > before; ${hearth}; code=$?; stty -a > after; echo "code=$code"; read wait`;
    const { process_id } = await client.call("process.start", {
      ...{ argv: ["sh", "-c", script], mode: "pty", cwd: folder, rows: 30, cols: 100 },
      env: { HEARTH_HOME: to.home, HEARTH_CONFIG: join(to.home, "config.toml"), NO_COLOR: "1" },
    });
    const where = { socketPath: join(at.home, "host.sock"), token: await at.token() };
    return new Person(client, process_id, where, folder);
  }

  /** Resolves once this was shown. */
  async sees(what: string | RegExp): Promise<void> {
    const found = () => (typeof what === "string" ? this.shown.includes(what) : what.test(this.shown));
    while (!found()) {
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      const patience = setTimeout(
        () => reject(new Error(`never seen: ${what} in ${JSON.stringify(this.shown)}`)),
        60_000,
      );
      this.#waiting.add(resolve);
      await promise.finally(() => {
        clearTimeout(patience);
        this.#waiting.delete(resolve);
      });
    }
  }
  /** The screen was drawn, and what is typed from here on is not echoed by our own side. */
  async isThere(): Promise<void> {
    await this.sees("\x1b[2J\x1b[H");
  }
  forget(): void {
    this.shown = "";
  }
  async types(keys: string): Promise<void> {
    await this.#client.call("process.write", { process_id: this.#id, data: keys });
  }
  async resizes(rows: number, cols: number): Promise<void> {
    await this.#client.call("process.resize", { process_id: this.#id, rows, cols });
  }
  /** The command is over and the terminal as it was before. Answers its exit code. */
  async isBack(): Promise<number> {
    await this.sees(/code=\d+\r\n/);
    // Without the first line, which is its size.
    const settings = async (place: string) => (await readFile(place, "utf8")).replace(/^.*\n/, "");
    assert.match(await settings(this.#places.before), /^opost [\s\S]* icanon /m);
    assert.equal(await settings(this.#places.after), await settings(this.#places.before));
    return Number(/code=(\d+)/.exec(this.shown)?.[1]);
  }
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stream.close();
    await this.#client.call("process.kill", { process_id: this.#id, grace: 0 });
  }
}

describe("hearth attach", { timeout: 120_000 }, () => {
  let desk: RunningHost;
  let host: RunningHost;
  let folder: string;
  before(async () => {
    [desk, host] = await Promise.all([RunningHost.start(), RunningHost.start({ SHELL: "/bin/bash" })]);
    folder = await realpath(await mkdtemp(join(tmpdir(), "hearth-attach-")));
  });
  after(async () => {
    await desk[Symbol.asyncDispose]();
    await host[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  });

  async function shell(name: string): Promise<string> {
    const client = await host.client();
    const { session_id } = await client.call("session.create", { workspace: folder });
    const { terminal_id } = await client.call("terminal.open", { session_id, name, rows: 24, cols: 80 });
    return terminal_id;
  }
  const statusOf = async (terminal: string) => {
    const { terminals } = await (await host.client()).call("terminal.list", {});
    return terminals.find(({ terminal_id }) => terminal_id === terminal)?.status;
  };

  it("T15: gives a raw terminal of the right size, lets go on Ctrl-P Ctrl-Q, and leaves it running and ours clean", async () => {
    const id = await shell("keys");
    await using person = await Person.attach(desk, host, folder, [id]);
    await person.sees("Ctrl-P Ctrl-Q lets go");
    await person.types("stty size; echo $((40 + 2))\r");
    await person.sees(/30 100\r\n42\r\n/);
    await person.resizes(40, 120);
    // Keys that are typed at the same moment may come first: nothing orders them.
    await person.types('until [ "$(stty size)" = "40 120" ]; do sleep 0.05; done; echo now $(stty size)\r');
    await person.sees("now 40 120");
    // A lone Ctrl-P is the program's (here: the command before), once no Ctrl-Q follows.
    await person.types("echo again\r");
    await person.sees(/again\r\n/);
    await person.types(`${CTRL_P}\r`);
    await person.sees(/again\r\n[\s\S]*again\r\n/);
    // What the program has switched on is switched off again, and only that.
    await person.types("printf '\\033[?1049h\\033[?1002h\\033[?25l\\033[?2004h'; echo modes'' on\r");
    await person.sees("modes on");
    person.forget();
    await person.types(CTRL_P);
    await person.types(CTRL_Q);
    assert.equal(await person.isBack(), 0);
    for (const off of ["\x1b[?1002l", "\x1b[?25h", "\x1b[?2004l", "\x1b[?1049l"])
      assert.ok(person.shown.includes(off), JSON.stringify(person.shown));
    assert.ok(!person.shown.includes("\x1b[?1000l"));
    assert.match(person.shown, /let go, it runs on/);
    assert.equal(await statusOf(id), "running");
  });

  it("T15: says that the host is gone, comes back by itself where it left off, and ends with the shell's exit code", async () => {
    const id = await shell("lost");
    await using person = await Person.attach(desk, host, folder, [id]);
    await person.isThere();
    await person.types("read a; echo got $a; read b; echo then $b\r");
    await person.sees("then $b");
    await host.kill9();
    await person.sees("no connection to the host");
    // Nobody is there to take it, and it must not arrive later.
    await person.types("lost\r");
    await person.sees("\x07");
    person.forget();
    await host.restart();
    await person.sees("\x1b[?1049l");
    await person.types("one\r");
    await person.sees("got one");
    await person.types("two\r");
    await person.sees("then two");
    await person.types("exit 3\r");
    assert.equal(await person.isBack(), 3);
    assert.match(person.shown, /ended with 3/);
  });

  it("T15: lets go while there is no host, too", async () => {
    const id = await shell("alone");
    await using person = await Person.attach(desk, host, folder, [id]);
    await person.isThere();
    await person.types("echo rea''dy\r");
    await person.sees("ready");
    await host.kill9();
    await person.sees("no connection to the host");
    await person.types(`${CTRL_P}${CTRL_Q}`);
    assert.equal(await person.isBack(), 0);
    assert.ok(person.shown.lastIndexOf("\x1b[?1049l") > person.shown.indexOf("no connection"));
    await host.restart();
    assert.equal(await statusOf(id), "running");
  });

  it("T15: puts the terminal back when it is ended by a signal", async () => {
    const id = await shell("signal");
    await using person = await Person.attach(desk, host, folder, [id]);
    await person.isThere();
    await person.types("echo rea''dy\r");
    await person.sees("ready");
    const found = spawn("pgrep", ["-f", `attach ${id}$`], { stdio: ["ignore", "pipe", "ignore"] });
    const pids = (await text(found.stdout)).trim().split("\n").map(Number);
    assert.equal(pids.length, 1);
    process.kill(pids[0] ?? 0, "SIGTERM");
    assert.equal(await person.isBack(), 143);
    assert.equal(await statusOf(id), "running");
  });

  it("T15: watches without a key or a size with --read-only, and knows other keys to let go", async () => {
    const id = await shell("watched");
    const client = await host.client();
    await using person = await Person.attach(desk, host, folder, ["--read-only", "--detach-keys", "ctrl-]", id]);
    await person.sees("watching only; Ctrl-] lets go");
    await client.call("terminal.input", { terminal_id: id, data: "echo sh''own\r" });
    await person.sees("shown");
    await person.types("exit\r");
    await client.call("terminal.input", { terminal_id: id, data: "stty size; echo still he''re\r" });
    await person.sees(/24 80\r\nstill here/);
    await person.types("\x1d");
    assert.equal(await person.isBack(), 0);
    assert.equal(await statusOf(id), "running");
  });

  it("T8: where another viewer decides the size, sends F3 with Shift, and not what its terminal says by itself", async () => {
    const id = await shell("size");
    const client = await host.client();
    await using person = await Person.attach(desk, host, folder, [id]);
    await person.isThere();
    const where = { socketPath: join(host.home, "host.sock"), token: await host.token() };
    const { promise: taken, resolve } = Promise.withResolvers<void>();
    const other = new TerminalStream({
      open: (from) => openTerminal(where, id, from),
      listener: {
        onReset: () => undefined,
        onBytes: () => undefined,
        onConnection: (up) => up && other.take(),
        onResize: (_rows, _cols, yours) => yours && resolve(),
      },
    });
    try {
      other.resize(20, 60);
      await taken;
      // What comes after the news of the size is seen after it.
      const inForce = 'until [ "$(stty size)" = "20 60" ]; do sleep 0.05; done';
      await client.call("terminal.input", { terminal_id: id, data: `${inForce}; stty -echo; echo rea''dy; cat -v\r` });
      await person.sees("ready");
      person.forget();
      await person.types("\x1b[12;40R\x1b[1;2R!\r");
      await person.sees("!\r\n");
      assert.ok(person.shown.includes("^[[1;2R!\r\n"), JSON.stringify(person.shown));
      assert.ok(!person.shown.includes("12;40R"), JSON.stringify(person.shown));
    } finally {
      other.close();
    }
    await person.types(CTRL_P + CTRL_Q);
    assert.equal(await person.isBack(), 0);
  });

  it("T15: refuses to draw on what is no terminal, and says what to do", async () => {
    const id = await shell("no terminal");
    const child = spawn(process.execPath, ["--disable-warning=ExperimentalWarning", start, "attach", id], {
      env: { ...process.env, HEARTH_HOME: host.home, HEARTH_CONFIG: join(host.home, "config.toml") },
      stdio: ["ignore", "pipe", "pipe"],
    });
    const [out, err, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, "close")]);
    assert.deepEqual([out, code], ["", 2]);
    assert.match(err, /hearth logs -f/);
  });

  it("P36, A46: gives lines to a process on pipes, shows what it says harmlessly, and ends with its exit code", async () => {
    const client = await host.client();
    const { process_id } = await client.call("process.start", {
      argv: ["sh", "-c", 'printf "name?\\033]0;title\\007\\n"; read a; echo "hello $a"; cat; exit 7'],
    });
    await using person = await Person.attach(desk, host, folder, [process_id]);
    await person.sees("name?\u00e2\u0090\u009b"); // ␛, as UTF-8
    assert.ok(!person.shown.includes("\x1b]0;"));
    await person.types("you\n");
    await person.sees("hello you");
    await person.types("\x04");
    assert.equal(await person.isBack(), 7);

    const { process_id: other } = await client.call("process.start", { argv: ["sleep", "300"] });
    await using waiting = await Person.attach(desk, host, folder, [other]);
    await waiting.sees("Ctrl-C lets go");
    await waiting.types("\x03");
    assert.equal(await waiting.isBack(), 0);
    assert.equal((await client.call("process.poll", { process_id: other })).status, "running");
  });

  it("P36: passes standard input through, and the output as it is, where there is no terminal", async () => {
    const client = await host.client();
    const { process_id } = await client.call("process.start", {
      argv: ["sh", "-c", "cat; printf '\\033[1mend'; exit 4"],
    });
    const child = spawn(process.execPath, ["--disable-warning=ExperimentalWarning", start, "attach", process_id], {
      env: { ...process.env, HEARTH_HOME: host.home, HEARTH_CONFIG: join(host.home, "config.toml") },
      stdio: ["pipe", "pipe", "pipe"],
    });
    const sent = "0123456789abcde\n".repeat(20_000);
    child.stdin.end(sent);
    const [out, err, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, "close")]);
    assert.equal(out, `${sent}\x1b[1mend`);
    assert.deepEqual([err, code], ["", 4]);
  });
});
