// `hearth chat`: who talks, and in which conversation. One turn for a script, a prompt for a person.
import { randomUUID } from "node:crypto";
import { resolve } from "node:path";
import { text as readAll } from "node:stream/consumers";
import type { HearthClient } from "../client/client.ts";
import type { EventParams, Payload } from "../protocol/events.ts";
import { converse, type Voice } from "./chat-prompt.ts";
import { type ChatOptions, submit } from "./chat-submit.ts";
import { approvalText, ChatView, type Piece } from "./chat-view.ts";
import { connect } from "./connect.ts";
import { CliError, EXIT } from "./failure.ts";
import { safe, safeLine } from "./safe-text.ts";
import type { Screen } from "./screen.ts";

/** With words, or words on standard input, one turn; else a conversation. Resolves with the exit code. */
export async function chat(
  home: string,
  words: readonly string[],
  options: ChatOptions,
  cwd: string,
  screen: Screen,
): Promise<number> {
  const said = words.join(" ");
  const alone = said !== "" || !process.stdin.isTTY;
  const prompt = said !== "" || !alone ? said : (await readAll(process.stdin)).trim();
  if (alone && prompt === "")
    throw new CliError("There is nothing to say: give a text, or write to standard input.", EXIT.usage);
  const state: { lost: boolean } = { lost: false };
  const voice: Voice = { tell: (text) => screen.err(`\n${text}`) };
  using connected = await connect(home, {
    reconnect: true,
    onState: (now, detail) => {
      // A person who waits should know why nothing comes.
      if (now === "closed" && detail !== undefined && "again" in detail && detail.again && !state.lost) {
        state.lost = true;
        voice.tell(
          `${screen.style("yellow", "The host is away (`hearth up` starts it); trying again until it is back …")}\n`,
        );
      } else if (now === "ready" && state.lost) {
        state.lost = false;
        voice.tell(`${screen.style("yellow", "… it is back.")}\n`);
      }
    },
  });
  const { client } = connected;
  const session = await sessionFor(client, options, cwd);
  // Awaited here: the connection is let go of where it was made, and not before.
  if (alone) return await oneTurn(client, session, prompt, options, screen);
  return await converse(client, session, options, screen, voice);
}

async function sessionFor(client: HearthClient, options: ChatOptions, cwd: string): Promise<string> {
  if (options.session !== undefined) return options.session;
  const { session_id } = await client.call("session.create", {
    workspace: resolve(cwd, options.workspace ?? "."),
    ...(options.model === undefined ? {} : { model: options.model }),
  });
  return session_id;
}

const exitCodes: Readonly<Record<Payload<"turn.ended">["status"], number>> = {
  done: EXIT.done,
  failed: EXIT.failed,
  interrupted: EXIT.failed,
  cancelled: EXIT.cancelled,
};

/** The answer on standard output, all else on standard error. */
async function oneTurn(
  client: HearthClient,
  session: string,
  prompt: string,
  options: ChatOptions,
  screen: Screen,
): Promise<number> {
  const key = randomUUID();
  const view = new ChatView(screen.style, new Set([key]));
  const print = (pieces: readonly Piece[]): void => {
    for (const { kind, text } of pieces) (kind === "answer" ? screen.out : screen.err)(text);
  };
  const { promise, resolve: end, reject } = Promise.withResolvers<Payload<"turn.ended">["status"]>();
  const { seq } = await client.call("session.resume", { session_id: session });
  let turn: string | undefined;
  using _following = client.follow(
    session,
    seq,
    (event) => {
      const payload = event.payload as { turn_id?: string; key?: string };
      if (event.type === "prompt.accepted" && payload.key === key) turn = payload.turn_id;
      if (turn === undefined || payload.turn_id !== turn) return;
      print(view.take(event));
      tellOfRequests(event, session, screen);
      if (event.type === "turn.ended") end((event.payload as Payload<"turn.ended">).status);
    },
    { onError: reject },
  );
  let asked = 0;
  const cancel = (): void => {
    asked += 1;
    if (asked > 1) process.exit(EXIT.cancelled);
    screen.err("\nCancelling … (Ctrl-C again leaves at once)\n");
    client
      .call("session.interrupt", { session_id: session, ...(turn === undefined ? {} : { turn_id: turn }) })
      .catch(reject);
  };
  process.on("SIGINT", cancel);
  try {
    await submit(client, session, prompt, options, key);
    return exitCodes[await promise];
  } finally {
    process.off("SIGINT", cancel);
  }
}

/** Nobody can answer here; whoever reads this can, elsewhere. */
function tellOfRequests(event: EventParams, session: string, screen: Screen): void {
  if (event.type === "approval.request")
    screen.err(`${approvalText(event.payload as Payload<"approval.request">, screen.style)}\n`);
  else if (event.type === "clarify.request")
    screen.err(`? ${safe((event.payload as Payload<"clarify.request">).question)}\n`);
  else return;
  screen.err(`It waits for an answer: give it in the page, or with \`hearth chat --session ${safeLine(session)}\`.\n`);
}
