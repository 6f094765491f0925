// The command line: names, options, help, examples. What a command does is in the module it loads, so that each starts fast.
import { Command, CommanderError, InvalidArgumentError, Option } from "commander";
import { SignalName } from "../protocol/rows.ts";
import { EXIT } from "./failure.ts";
import type { Screen } from "./screen.ts";

/** Ids are taken as docker takes them: whole, by name, or by how they begin. */
async function idsOf(home: string, words: readonly string[]): Promise<string[]> {
  const { findIds } = await import("./find-id.ts");
  return findIds(home, words);
}

async function idOf(home: string, word: string): Promise<string> {
  const { findId } = await import("./find-id.ts");
  return findId(home, word);
}

export interface Surroundings {
  /** The home whose host is meant. */
  home: string;
  cwd: string;
  version: string;
  screen: Screen;
}

/** Runs one command line (without node and script). Resolves with the exit code; what failed is thrown. */
export async function runCommand(argv: readonly string[], surroundings: Surroundings): Promise<number> {
  let exitCode: number = EXIT.done;
  const program = build(surroundings, (code) => {
    exitCode = code;
  });
  try {
    await program.parseAsync(argv, { from: "user" });
    return exitCode;
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    // Commander has said what is wrong; help and version are no errors.
    return error.exitCode === 0 ? EXIT.done : EXIT.usage;
  }
}

function build({ home, cwd, version, screen }: Surroundings, end: (exitCode: number) => void): Command {
  const program = new Command("hearth")
    .description("The host for AI agents: runs their turns, owns their processes and terminals.")
    .version(version, "-V, --version")
    .exitOverride()
    .configureOutput({ writeOut: (text) => screen.out(text), writeErr: (text) => screen.err(text) })
    .showHelpAfterError("(see `hearth help COMMAND`)")
    .enablePositionalOptions()
    .addHelpText(
      "after",
      `\nFirst steps:\n  hearth up                 start the host and open the page\n  hearth chat "say hello"   one turn in this terminal\n  hearth doctor             what is missing, and how to get it\n`,
    );

  const command = (usage: string, about: string, ...examples: string[]): Command => {
    const made = program.command(usage).description(about).exitOverride();
    made.configureOutput({ writeOut: (text) => screen.out(text), writeErr: (text) => screen.err(text) });
    if (examples.length > 0) made.addHelpText("after", `\nExamples:\n${examples.map((one) => `  ${one}\n`).join("")}`);
    return made;
  };

  command(
    "up",
    "Start the host on this machine, or say where it runs already.",
    "hearth up",
    "hearth up --detach --port 0",
  )
    .option("-d, --detach", "run in the background, started again when it dies")
    .option("-p, --port <port>", "listen here instead of HEARTH_PORT; 0 is any free port", whole(0, 65535))
    .option("--no-open", "do not open a browser")
    .option("--supervised", undefined)
    .action(async (options: { detach?: boolean; port?: number; open: boolean; supervised?: boolean }) => {
      const { up } = await import("./up.ts");
      end(await up(options, screen));
    });
  hide(program, "up", "--supervised");

  command("down", "Stop the host; processes and terminals live on.", "hearth down", "hearth down --all")
    .option("-a, --all", "end all processes and terminals too")
    .action(async (options: { all?: boolean }) => {
      const { down } = await import("./down.ts");
      end(await down(home, options.all ?? false, screen));
    });

  command("status", "What runs, where, since when.", "hearth status", "hearth status --json")
    .option("--json", "as JSON")
    .action(async (options: { json?: boolean }) => {
      const { status } = await import("./status.ts");
      end(await status(home, options.json ?? false, screen));
    });

  command("doctor", "What is missing on this machine, and how to get it.", "hearth doctor")
    .option("--json", "as JSON")
    .action(async (options: { json?: boolean }) => {
      const { doctor } = await import("./doctor.ts");
      end(await doctor(options.json ?? false, screen));
    });

  command(
    "chat [text...]",
    "Talk to the agent: with TEXT or standard input one turn (exit code 0, 1 failed, 130 cancelled), else a conversation.",
    "hearth chat",
    'hearth chat "run git status"',
    "git diff | hearth chat --session ses_5f0c1e2d3b4a",
  )
    .option("-s, --session <id>", "go on with this conversation")
    .option("-w, --workspace <dir>", "the directory to work in (default: this one)")
    .option("-m, --model <name>", "the model that answers")
    .action(async (text: string[], options: { session?: string; workspace?: string; model?: string }) => {
      const { chat } = await import("./chat.ts");
      end(await chat(home, text, options, cwd, screen));
    });

  command(
    "run <command> [args...]",
    "Start a background process and print its id.",
    "hearth run -- npm run check",
    'hearth run --watch "listening on" --notify ses_5f0c1e2d3b4a -- npm run dev',
    "hearth attach $(hearth run --pty --name shell -- bash)",
  )
    .option("-t, --pty", "give it a terminal")
    .option("--watch <text>", "look for this text in its output (may be repeated)", several)
    .option("--watch-regex <expression>", "look for lines that match this (may be repeated)", several)
    .option("--notify <session>", "wake this session's agent when it ends")
    .option("--name <name>", "a name to know it by: the commands take it instead of the id")
    .option("--cwd <dir>", "the directory to run in (default: this one)")
    .option("--sandbox <name>", "run it inside this one (see `hearth sandboxes`)")
    .option("--memory <bytes>", "the memory it may have with all it starts, such as 512MiB")
    .option("--cpus <n>", "the processors' worth of time it may have, such as 1.5")
    .option("--pids <n>", "how many processes it may become")
    .option("--json", "print its row as JSON")
    .passThroughOptions()
    .action(async (file: string, args: string[], options: import("./processes.ts").RunOptions) => {
      const { run } = await import("./processes.ts");
      end(await run(home, [file, ...args], options, cwd, screen));
    });

  command("sandboxes", "Where processes can run.", "hearth sandboxes", "hearth run --sandbox box -- make test")
    .option("--json", "as JSON")
    .action(async (options: { json?: boolean }) => {
      const { sandboxes } = await import("./sandboxes.ts");
      end(await sandboxes(home, options.json ?? false, screen));
    });

  command(
    "ps",
    "Processes that run, and the ports they listen on.",
    "hearth ps",
    "hearth ps --all --json",
    "hearth kill $(hearth ps -q --session ses_5f0c1e2d3b4a)",
  )
    .option("-a, --all", "also those that ended")
    .option("-s, --session <id>", "only this session's")
    .option("-q, --quiet", "only their ids")
    .option("--json", "as JSON")
    .action(async (options: import("./ps.ts").PsOptions) => {
      const { ps } = await import("./ps.ts");
      end(await ps(home, options, screen));
    });

  command(
    "stats [id...]",
    "What running processes and terminals use: processor time, memory, processes, ports; as it changes, until Ctrl-C.",
    "hearth stats",
    "hearth stats --no-stream proc_5f0c1e2d3b4a",
    "hearth stats --json    # one JSON text a second",
  )
    .option("--no-stream", "once, and done (also where standard output is no terminal)")
    .option("--json", "as JSON")
    .action(async (ids: string[], options: import("./stats.ts").StatsOptions) => {
      const { stats } = await import("./stats.ts");
      end(await stats(home, await idsOf(home, ids), options, screen));
    });

  command("top <id>", "The processes that one process or terminal consists of.", "hearth top proc_5f0c1e2d3b4a")
    .option("--json", "as JSON")
    .action(async (id: string, options: { json?: boolean }) => {
      const { top } = await import("./stats.ts");
      end(await top(home, await idOf(home, id), options.json ?? false, screen));
    });

  command(
    "inspect <id...>",
    "All that is known of processes and terminals, as JSON.",
    "hearth inspect proc_5f0c1e2d3b4a",
    "hearth inspect proc_5f0c1e2d3b4a | jq '.[0].usage.listening'",
  )
    .option("--json", "as JSON, which it is anyway")
    .action(async (ids: string[]) => {
      const { inspect } = await import("./ps.ts");
      end(await inspect(home, await idsOf(home, ids), screen));
    });

  command(
    "logs <id>",
    "Output of a process or terminal.",
    "hearth logs proc_5f0c1e2d3b4a",
    "hearth logs -f --tail 20 web    # what `hearth run --name web` has started",
    "hearth logs -f --since 4096 proc_5f0c1e2d3b4a",
  )
    .option("-f, --follow", "go on until no more output can come")
    .option("--since <offset>", "begin at this byte", whole(0, Number.MAX_SAFE_INTEGER))
    .addOption(
      new Option("-n, --tail <lines>", "only the last so many lines, and what follows")
        .argParser(whole(0, 1_000_000_000))
        .conflicts("since"),
    )
    .option("--raw", "the bytes as they are, also on a terminal")
    .action(async (id: string, options: import("./logs.ts").LogsOptions) => {
      const { logs } = await import("./logs.ts");
      end(await logs(home, await idOf(home, id), options, screen));
    });

  command(
    "attach <id>",
    "This terminal becomes that of a terminal or process; Ctrl-P Ctrl-Q lets go, and it runs on.",
    "hearth attach term_5f0c1e2d3b4a",
    'hearth attach --detach-keys "ctrl-]" proc_5f0c1e2d3b4a',
  )
    .option("--detach-keys <keys>", "the keys that let go", "ctrl-p ctrl-q")
    .option("--read-only", "watch, and send nothing")
    .addHelpText(
      "after",
      "\nIts exit code is the program's when that ends meanwhile (128 + n for signal n), 0 when it was let go.\nWithout a terminal of its own a process takes lines, and Ctrl-C lets go.\n",
    )
    .action(async (id: string, options: import("./attach.ts").AttachOptions) => {
      const { attach } = await import("./attach.ts");
      end(await attach(home, await idOf(home, id), options, screen));
    });

  command(
    "wait <id...>",
    "Wait for processes; the exit code is that of the process, 128 + n for signal n.",
    "hearth wait proc_5f0c1e2d3b4a && echo fine",
    "hearth wait build test && echo both fine",
  )
    .option("--json", "print how they ended as JSON")
    .addHelpText(
      "after",
      "\nOf several it prints the exit code of each, in the order given, and its own is the first of them that is not 0.\n",
    )
    .action(async (ids: string[], options: { json?: boolean }) => {
      const { wait } = await import("./processes.ts");
      end(await wait(home, await idsOf(home, ids), options.json ?? false, screen));
    });

  command(
    "kill <id...>",
    "End processes with everything they started, or terminals.",
    "hearth kill proc_5f0c1e2d3b4a",
    "hearth kill --signal HUP proc_5f0c1e2d3b4a",
  )
    .alias("stop")
    .option("-s, --signal <name>", "send this signal instead, and wait for nothing", signalName)
    .option("-f, --force", "do not ask before a terminal is ended in which something runs")
    .option("--json", "print what was ended as JSON")
    .action(async (ids: string[], options: import("./processes.ts").KillOptions) => {
      const { kill } = await import("./processes.ts");
      end(await kill(home, await idsOf(home, ids), options, screen));
    });

  command(
    "rename <id> <title>",
    "Name a terminal, for everybody who sees it; an empty title gives it back its name.",
    'hearth rename term_5f0c1e2d3b4a "build and test"',
  )
    .option("--json", "print its row as JSON")
    .action(async (id: string, title: string, options: { json?: boolean }) => {
      const { rename } = await import("./processes.ts");
      end(await rename(home, await idOf(home, id), title, options.json ?? false, screen));
    });

  command(
    "send <id> [text...]",
    "Send a line of input to a process or terminal.",
    'hearth send proc_5f0c1e2d3b4a "yes"',
    "hearth send --end proc_5f0c1e2d3b4a",
  )
    .option("--end", "end its input (after TEXT, if any)")
    .action(async (id: string, text: string[], options: { end?: boolean }) => {
      const { send } = await import("./processes.ts");
      end(await send(home, await idOf(home, id), text, options.end ?? false));
    });

  command(
    "share [id]",
    "A link to watch a terminal or process, and nothing else.",
    "hearth share term_5f0c1e2d3b4a",
    "hearth share --minutes 10 proc_5f0c1e2d3b4a",
    "hearth share --list",
  )
    .option("--minutes <count>", "how long it can be watched (default: 60)", whole(1, 10_080))
    .option("--list", "the links there are")
    .option("--revoke <link>", "end a link; whoever watches by it is cut off")
    .option("--json", "as JSON")
    .action(async (id: string | undefined, options: import("./share.ts").ShareOptions) => {
      const { share } = await import("./share.ts");
      end(await share(home, id === undefined ? id : await idOf(home, id), options, screen));
    });

  command(
    "get <file>",
    "Fetch a file from a session's workspace.",
    "hearth get report.pdf",
    "hearth get --session ses_5f0c1e2d3b4a src/main.c -o - | less",
  )
    .option("-s, --session <id>", "this session's workspace (default: the one we are in, else the one used last)")
    .option("-o, --output <place>", "write it there; - is standard output")
    .option("-f, --force", "replace a file that is there already")
    .option(
      "--link",
      "fetch nothing, print a link that downloads it in the browser (click it in a terminal of the page)",
    )
    .option("--json", "print where it is as JSON")
    .action(async (file: string, options: import("./files.ts").GetOptions) => {
      const { getFile } = await import("./files.ts");
      end(await getFile(home, file, options, cwd, screen));
    });

  command("put <file...>", "Send files into a session's workspace.", "hearth put photo.jpg", "hearth put --to src *.c")
    .option("-s, --session <id>", "this session's workspace (default: the one we are in, else the one used last)")
    .option("--to <dir>", "into this directory of the workspace")
    .option("-f, --force", "replace files that are there already")
    .option("--json", "print where they are as JSON")
    .action(async (files: string[], options: import("./files.ts").PutOptions) => {
      const { putFiles } = await import("./files.ts");
      end(await putFiles(home, files, options, cwd, screen));
    });

  command(
    "sessions",
    "Conversations, the most recently used first.",
    "hearth sessions",
    "hearth sessions --limit 5 --json",
  )
    .option("-n, --limit <count>", "at most so many", whole(1, 1000))
    .option("--json", "as JSON")
    .action(async (options: { limit?: number; json?: boolean }) => {
      const { sessions } = await import("./sessions.ts");
      end(await sessions(home, options, screen));
    });

  command("show <id>", "A conversation, as one would read it.", "hearth show ses_5f0c1e2d3b4a")
    .option("--json", "as JSON")
    .action(async (id: string, options: { json?: boolean }) => {
      const { show } = await import("./sessions.ts");
      end(await show(home, id, options.json ?? false, screen));
    });

  command("export <id>", "A whole conversation, to keep.", "hearth export --format json ses_5f0c1e2d3b4a > talk.json")
    .option("--format <format>", "markdown or json", format, "markdown" as const)
    .option("--json", "the same as --format json")
    .action(async (id: string, options: { format: "json" | "markdown"; json?: boolean }) => {
      const { exportSession } = await import("./sessions.ts");
      end(await exportSession(home, id, options.json ? "json" : options.format, screen));
    });

  command(
    "token",
    "Print the token that other clients log in with.",
    'curl -H "Authorization: Bearer $(hearth token)" …',
  )
    .option("--json", "as JSON")
    .action(async (options: { json?: boolean }) => {
      const { token } = await import("./open.ts");
      end(await token(home, options.json ?? false, screen));
    });

  command(
    "open [dir]",
    "Open the page, logged in; with DIR, to work there.",
    "hearth open",
    "hearth open .    # a conversation whose workspace is this directory",
  )
    .option("--json", "print the address as JSON, and open nothing")
    .action(async (dir: string | undefined, options: { json?: boolean }) => {
      const { open } = await import("./open.ts");
      end(await open(home, dir, options.json ?? false, cwd, screen));
    });
  return program;
}

function hide(program: Command, command: string, flag: string): void {
  for (const option of program.commands.find((one) => one.name() === command)?.options ?? []) {
    if (option.long === flag) option.hideHelp();
  }
}

const several = (one: string, all: string[] = []): string[] => [...all, one];

function whole(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
    if (value >= min && value <= max) return value;
    throw new InvalidArgumentError(
      max < Number.MAX_SAFE_INTEGER ? `A whole number from ${min} to ${max} is needed.` : "A whole number is needed.",
    );
  };
}

function signalName(text: string): SignalName {
  const name = SignalName.safeParse(text.toUpperCase().replace(/^SIG/, ""));
  if (name.success) return name.data;
  throw new InvalidArgumentError(`Allowed are ${SignalName.options.join(", ")}.`);
}

function format(text: string): "json" | "markdown" {
  if (text === "json" || text === "markdown") return text;
  throw new InvalidArgumentError("Allowed are json and markdown.");
}
