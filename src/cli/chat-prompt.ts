// The conversation with a person at a terminal: one line editor, keys for approvals, Ctrl-C for the turn.
import { randomUUID } from "node:crypto";
import { createInterface, type Interface, type Key } from "node:readline";
import { Writable } from "node:stream";
import type { HearthClient } from "../client/client.ts";
import { type ApprovalItem, type ClarifyItem, emptySession, foldSession, type SessionState } from "../client/fold.ts";
import type { EventParams } from "../protocol/events.ts";
import { type ChatOptions, submit } from "./chat-submit.ts";
import { approvalText, ChatView, glance, type Piece } from "./chat-view.ts";
import { EXIT } from "./failure.ts";
import { safe, safeLine } from "./safe-text.ts";
import type { Screen } from "./screen.ts";

/** Items of an older conversation that are shown when it is taken up again. */
const RECALLED = 8;
const LEAVE_WITHIN_MS = 3_000;
/** A key answers only after a pause: who is in the middle of a word when a request appears has not read it. */
const PAUSE_MS = 400;
const keys: Readonly<Record<string, "once" | "session" | "deny">> = { o: "once", s: "session", d: "deny" };

/** Says something about the connection, wherever the cursor stands. */
export interface Voice {
  tell: (text: string) => void;
}

/** Runs until the person leaves (Ctrl-D, or Ctrl-C twice). Resolves with the exit code. */
export async function converse(
  client: HearthClient,
  session: string,
  options: ChatOptions,
  screen: Screen,
  voice: Voice,
): Promise<number> {
  const { seq, session: row } = await client.call("session.resume", { session_id: session });
  screen.err(
    `${screen.style("dim", `Session ${session}, in ${safeLine(row.workspace)}. Ctrl-C cancels the agent's turn, Ctrl-D leaves.`)}\n`,
  );
  const talk = new Talk(client, session, options, screen, seq);
  voice.tell = (text) => talk.tell(text);
  using _following = client.follow(session, 0, (event) => talk.take(event), { onError: (error) => talk.fail(error) });
  // Awaited here, or the subscription would end with this function.
  return await talk.over;
}

class Talk {
  readonly #client: HearthClient;
  readonly #session: string;
  readonly #options: ChatOptions;
  readonly #screen: Screen;
  /** Events up to here are history: folded, not printed one by one. */
  readonly #liveAfter: number;
  readonly #own = new Set<string>();
  readonly #view: ChatView;
  readonly #lines: Interface;
  readonly #end = Promise.withResolvers<number>();
  #state: SessionState;
  /** The line editor draws only while it is the person's turn to write. */
  #prompting = false;
  #asked: ApprovalItem | ClarifyItem | undefined;
  #interruptedAt = 0;
  #pressedAt = 0;

  constructor(client: HearthClient, session: string, options: ChatOptions, screen: Screen, liveAfter: number) {
    this.#client = client;
    this.#session = session;
    this.#options = options;
    this.#screen = screen;
    this.#liveAfter = liveAfter;
    this.#state = emptySession(session);
    this.#view = new ChatView(screen.style, this.#own);
    const output = new Writable({
      decodeStrings: false,
      write: (chunk: string | Buffer, _encoding, done) => {
        if (this.#prompting) process.stdout.write(chunk);
        done();
      },
    });
    this.#lines = createInterface({ input: process.stdin, output, terminal: true, historySize: 200 });
    this.#lines.on("line", (line) => this.#said(line));
    this.#lines.on("SIGINT", () => this.#interrupt());
    this.#lines.on("close", () => this.#leave(EXIT.done));
    process.stdin.on("keypress", (_text: string | undefined, key: Key) => this.#pressed(key));
    if (liveAfter === 0) this.#invite();
  }

  get over(): Promise<number> {
    return this.#end.promise;
  }

  fail(error: Error): void {
    this.#lines.close();
    this.#end.reject(error);
  }

  take(event: EventParams): void {
    this.#state = foldSession(this.#state, event);
    const seq = event.seq ?? 0;
    if (seq < this.#liveAfter) return;
    if (seq === this.#liveAfter) this.#recall();
    else this.#print(this.#view.take(event));
    this.#ask();
    if (!this.#state.busy && this.#asked === undefined) this.#invite();
  }

  /** Above the line that is being written, which stays as it is. */
  tell(text: string): void {
    const writing = this.#prompting;
    this.#print([...this.#view.settle(), { kind: "about", text }]);
    if (writing) this.#invite();
  }

  #print(pieces: readonly Piece[]): void {
    if (pieces.length === 0) return;
    this.#hidePrompt();
    for (const { text } of pieces) this.#screen.out(text);
  }

  /** What was said lately, for one who comes back. */
  #recall(): void {
    this.#hidePrompt();
    for (const item of this.#state.items.slice(-RECALLED)) {
      if (item.kind === "prompt") this.#screen.line(this.#screen.style("bold", `› ${safe(item.text)}`));
      else if (item.kind === "message" && item.text !== "") this.#screen.line(safe(item.text));
      else if (item.kind === "tool")
        this.#screen.line(
          `${this.#screen.style("cyan", "→")} ${safeLine(item.name)} ${safeLine(item.preview, 160)} ${this.#screen.style("dim", item.status)}`,
        );
      else if (item.kind === "notice") this.#screen.line(this.#screen.style("cyan", `● ${glance(item.text, 2)}`));
    }
  }

  /** Shows the oldest request that waits, once; takes note when it was answered elsewhere. */
  #ask(): void {
    const [oldest] = this.#state.pending;
    if (oldest?.request_id === this.#asked?.request_id) return;
    this.#asked = oldest;
    if (oldest === undefined) return;
    this.#print(this.#view.settle());
    this.#hidePrompt();
    if (oldest.kind === "approval") {
      this.#pressedAt = Date.now();
      this.#screen.line(approvalText(oldest, this.#screen.style));
      this.#screen.line(this.#screen.style("bold", "  [o] once   [s] for this session   [d] deny"));
    } else {
      const choices = oldest.choices.map((choice, at) => `\n  ${at + 1}. ${safeLine(choice)}`).join("");
      this.#screen.line(this.#screen.style("yellow", `? ${safe(oldest.question)}${choices}`));
      this.#invite();
    }
  }

  #pressed(key: Key): void {
    const asked = this.#asked;
    if (asked?.kind !== "approval" || key.ctrl || key.meta) return;
    const paused = Date.now() - this.#pressedAt >= PAUSE_MS;
    this.#pressedAt = Date.now();
    const choice = paused ? keys[key.name ?? ""] : undefined;
    // What was typed for the request is no beginning of a message.
    setImmediate(() => this.#lines.write(null, { ctrl: true, name: "u" }));
    if (choice === undefined || !asked.choices.includes(choice)) return;
    this.#asked = undefined;
    this.#settle(this.#client.call("approval.respond", { request_id: asked.request_id, choice }));
  }

  #said(line: string): void {
    const asked = this.#asked;
    const text = line.trim();
    if (text === "" || asked?.kind === "approval") {
      if (this.#prompting) this.#lines.prompt();
      return;
    }
    this.#prompting = false;
    if (asked?.kind === "clarify") {
      this.#asked = undefined;
      const chosen = /^\d+$/.test(text) ? asked.choices[Number(text) - 1] : undefined;
      this.#settle(this.#client.call("clarify.respond", { request_id: asked.request_id, answer: chosen ?? text }));
      return;
    }
    const key = randomUUID();
    this.#own.add(key);
    this.#settle(submit(this.#client, this.#session, text, this.#options, key));
  }

  /** Tells of a failure and goes on: one call that went wrong ends no conversation. */
  #settle(call: Promise<unknown>): void {
    call.catch((error: unknown) => {
      this.#print([
        ...this.#view.settle(),
        { kind: "about", text: `${this.#screen.style("red", safeLine((error as Error).message))}\n` },
      ]);
      if (!this.#state.busy) this.#invite();
      this.#asked = undefined;
      this.#ask();
    });
  }

  #interrupt(): void {
    const now = Date.now();
    if (now - this.#interruptedAt < LEAVE_WITHIN_MS) {
      this.#leave(EXIT.cancelled);
      return;
    }
    if (this.#prompting && this.#lines.line !== "") {
      this.#lines.write(null, { ctrl: true, name: "u" });
      return;
    }
    this.#interruptedAt = now;
    this.#hidePrompt();
    const busy = this.#state.busy;
    this.#screen.err(
      `${this.#screen.style("yellow", busy ? "Cancelling … (Ctrl-C again leaves)" : "Ctrl-C again leaves.")}\n`,
    );
    if (busy) this.#settle(this.#client.call("session.interrupt", { session_id: this.#session }));
    else this.#invite();
  }

  #invite(): void {
    if (this.#prompting) return;
    this.#prompting = true;
    this.#lines.setPrompt(this.#screen.style("bold", "› "));
    this.#lines.prompt(true);
  }

  #hidePrompt(): void {
    if (!this.#prompting) return;
    this.#prompting = false;
    this.#screen.out("\r\x1b[J");
  }

  #leave(exitCode: number): void {
    this.#prompting = false;
    this.#screen.out("\n");
    this.#end.resolve(exitCode);
    this.#lines.close();
  }
}
