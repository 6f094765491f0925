// Attached to something on pipes: its output as it comes, our lines as its input.
import { openTerminal } from "../client/node.ts";
import { TerminalStream } from "../client/terminal.ts";
import { codeOfEnd, type End, howItEnded, type Target } from "./attach.ts";
import { connect, readToken } from "./connect.ts";
import { EXIT } from "./failure.ts";
import { visibleText } from "./logs.ts";
import { isTransient } from "./processes.ts";
import { safeLine } from "./safe-text.ts";
import type { Screen } from "./screen.ts";
import { socketIn } from "./socket-path.ts";

/** A socket that does not say goodbye keeps nobody waiting. */
const LEAVE_MS = 500;

/** Ctrl-C lets go, the end of our input ends its input. Resolves with the exit code of `attach`. */
export async function attachLines(target: Target, readOnly: boolean, screen: Screen): Promise<number> {
  const { id } = target;
  const { promise: over, resolve: finish } = Promise.withResolvers<{ code: number; say: string }>();
  // First of all: who reads that Ctrl-C lets go may press it at once.
  const interrupted = (): void => finish({ code: EXIT.done, say: `${id}: let go, it runs on` });
  process.on("SIGINT", interrupted);
  const about = readOnly ? "watching only" : "lines go to its input, Ctrl-D ends that";
  if (screen.interactive) screen.err(`[${id} ${target.name}: ${about}; Ctrl-C lets go, and it runs on]\n`);
  const token = await readToken(target.home);
  using socket = socketIn(target.home);
  using connected = await connect(target.home, { reconnect: true });
  const shown = screen.terminal ? visibleText((text) => screen.out(text)) : undefined;
  let end: End | undefined;
  let problem = "";
  let lost = false;
  const stream = new TerminalStream({
    open: (from) => openTerminal({ socketPath: socket.path, token }, id, from),
    listener: {
      onReset: () => undefined,
      onBytes: (bytes) => (shown === undefined ? void process.stdout.write(bytes) : shown.write(Buffer.from(bytes))),
      onExit: (how) => {
        end = how;
        finish({ code: codeOfEnd(how), say: `${id} ${howItEnded(how)}` });
      },
      onError: ({ message }) => {
        problem = message;
      },
      onConnection: (now, isOver) => {
        if (isOver) finish({ code: EXIT.failed, say: `${id}: ${problem === "" ? "its output is over" : problem}` });
        else if (now === lost) {
          lost = !now;
          screen.err(lost ? `[${id}: no connection to the host; it is looked for]\n` : `[${id}: connected again]\n`);
        }
      },
    },
  });

  const write = async (): Promise<void> => {
    for await (const chunk of process.stdin as AsyncIterable<Buffer>) {
      let rest = chunk;
      while (rest.length > 0 && end === undefined) {
        const data = { base64: rest.toString("base64") };
        const { bytes } = await connected.client.call("process.write", { process_id: id, data });
        rest = rest.subarray(bytes);
      }
    }
    if (end === undefined) await connected.client.call("process.close", { process_id: id });
  };
  if (!readOnly)
    write().catch((error: unknown) => {
      if (end !== undefined) return;
      // What was on its way when the host died may have arrived: sending it again could do something twice.
      const why = isTransient(error)
        ? "the connection was lost, and it may not have arrived"
        : (error as Error).message;
      screen.err(`[${id}: its input ends here: ${safeLine(why)}]\n`);
    });

  const { code, say } = await over;
  process.off("SIGINT", interrupted);
  stream.close();
  shown?.end();
  if (screen.terminal) screen.err(`[${say}]\n`);
  else if (end === undefined) screen.err(`${say}\n`);
  process.stdin.destroy();
  setTimeout(() => process.exit(), LEAVE_MS).unref();
  return code;
}
