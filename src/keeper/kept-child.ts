// A child as the host sees it: a connection to its keeper while there is one, its records when there is none.
import { setTimeout as delay } from "node:timers/promises";
import { HostError } from "../protocol/errors.ts";
import { NotRunning } from "./failures.ts";
import { frames, type Growth, u16, u32 } from "./frames.ts";
import { type Answer, type Link, NoKeeper } from "./link.ts";
import { errnoName, type Intent, judgeRecord, toClosed, toEnd, withInside } from "./records.ts";
import { SpoolReader } from "./spool-reader.ts";
import type { Child, ChildSpec, Closed, End, Live } from "./types.ts";
import { decide, type Verdict } from "./verdict.ts";

const slowestRetryMs = 1_000;
const refusedWorthTelling = 3;

export interface Found {
  id: string;
  dir: string;
  intent: Intent;
  live: Live | undefined;
  onWarning: (text: string) => void;
}

/** It failed to start after it was taken for running: only in a sandbox can that take long enough to be seen. */
function notSeen(spec: ChildSpec, words: string | undefined): End {
  if (spec.transport === undefined) return { kind: "lost", reason: "keeper_gone" };
  return { kind: "lost", reason: "transport_gone", ...(words === undefined ? {} : { words }) };
}

export class KeptChild implements Child {
  readonly id: string;
  readonly dir: string;
  readonly spec: ChildSpec;
  readonly spool: SpoolReader;
  readonly #found: Found;
  readonly #exited = Promise.withResolvers<End>();
  readonly #closed = Promise.withResolvers<Closed>();
  #live: Live | undefined;
  #end: End | undefined;
  #isClosed = false;
  #link: Link | undefined;
  /** While the connection is being made again: resolves when it is, or when it is known why it never will be. */
  #settling: Promise<void> | undefined;
  #detached = false;
  #refusedTold = 0;

  constructor(found: Found, verdict: Exclude<Verdict, { kind: "failed_start" }>) {
    this.id = found.id;
    this.dir = found.dir;
    this.spec = found.intent.spec;
    this.#live = found.live;
    this.#found = found;
    this.spool = new SpoolReader(found.dir);
    if (verdict.kind === "attached") this.#attach(verdict.link, verdict.growth);
    else this.#settling = this.#settle(verdict);
  }

  get live(): Live | undefined {
    return this.#live;
  }
  get end(): End | undefined {
    return this.#end;
  }
  get exited(): Promise<End> {
    return this.#exited.promise;
  }
  get closed(): Promise<Closed> {
    return this.#closed.promise;
  }

  /** Answers whether the keeper has left, which it does at once after the end of output unless descendants live. */
  async left(patienceMs: number): Promise<boolean> {
    for (const until = performance.now() + patienceMs; performance.now() < until; await delay(5)) {
      await this.#settling;
      if (this.#link === undefined) return true;
      if (!this.#isClosed) return false;
    }
    return false;
  }

  /** Resolves once it is known whether there is a keeper. */
  async settled(): Promise<void> {
    await this.#settling;
  }

  async write(bytes: Uint8Array): Promise<number> {
    const answer = await this.#ask((link) => link.input(bytes));
    if (answer.taken === 0) this.#check(answer);
    return answer.taken;
  }

  async eof(): Promise<void> {
    this.#check(await this.#ask((link) => link.request(frames.endInput)));
  }

  async resize(rows: number, cols: number): Promise<void> {
    const answer = await this.#ask((link) => link.request(frames.resize, u16(rows), u16(cols)));
    if (errnoName(answer.errno) !== "ENOTTY") this.#check(answer);
  }

  async signal(n: number): Promise<void> {
    this.#check(await this.#ask((link) => link.request(frames.signal, Uint8Array.of(n))));
  }

  async kill({ graceMs, firstSignal = 15 }: { graceMs: number; firstSignal?: number }): Promise<void> {
    const grace = u32(Math.min(0xffff_ffff, Math.max(0, Math.round(graceMs))));
    for (;;) {
      await this.#settling;
      if (this.#link === undefined) return; // no keeper: its tree is gone, or was ended when that was found out
      try {
        return this.#check(await this.#link.request(frames.kill, Uint8Array.of(firstSignal), grace));
      } catch (error) {
        if (!(error instanceof NoKeeper)) throw error;
        if (this.#detached) return;
      }
    }
  }

  detach(): void {
    this.#detached = true;
    this.#link?.close();
    this.#link = undefined;
    void this.spool.release().catch((error: unknown) => this.#found.onWarning(`${this.id}: ${String(error)}`));
  }

  async #ask(request: (link: Link) => Promise<Answer>): Promise<Answer> {
    if (this.#settling !== undefined) await this.#settling;
    if (this.#end !== undefined || this.#link === undefined) throw new NotRunning(this.id);
    try {
      return await request(this.#link);
    } catch (cause) {
      if (!(cause instanceof NoKeeper)) throw cause;
      await this.#settling;
      if (this.#end !== undefined) throw new NotRunning(this.id);
      // Whether it was taken is not known, so it is not sent again by itself.
      throw new HostError("internal", `The connection to "${this.id}" broke; look at its output and try again.`, {
        cause,
      });
    }
  }

  #check({ errno }: Answer): void {
    if (errno === 0) return;
    const name = errnoName(errno);
    if (name === "ESRCH") throw new NotRunning(this.id);
    if (name === "EPIPE") throw new NotRunning(this.id, "has closed its standard input");
    throw new HostError("internal", `"${this.id}" refused: ${name}.`, { data: { errno: name } });
  }

  #attach(link: Link, growth: Growth): void {
    this.#link = link;
    this.#settling = undefined;
    this.#grew(growth);
    link.listen({
      grew: (news) => this.#grew(news),
      exited: (record) => this.#hearExit(record),
      closed: (record) => this.#hearClosed(record),
      lived: (record) => this.#hearLived(record),
      gone: () => this.#lose(link),
    });
  }

  #grew({ length, firstKept, refused }: Growth): void {
    this.spool.heard(length, firstKept);
    if (refused < this.#refusedTold + refusedWorthTelling) return;
    this.#refusedTold = refused;
    this.#found.onWarning(`${this.id}: ${refused} attempts to open its keeper with a wrong secret`);
  }

  #hearExit(record: Buffer): void {
    const judged = judgeRecord("exit", record, this.#found.intent.secret);
    const end = judged.state === "signed" ? toEnd(judged.fields) : undefined;
    if (end === undefined || end.kind === "failed_start") return;
    if (end.kind === "exited") this.spool.heard(end.bytesAtExit);
    this.#finish(end);
  }

  #hearLived(record: Buffer): void {
    const judged = judgeRecord("inside", record, this.#found.intent.secret);
    if (judged.state === "signed" && this.#live !== undefined) this.#live = withInside(this.#live, judged.fields);
  }

  #hearClosed(record: Buffer): void {
    const judged = judgeRecord("closed", record, this.#found.intent.secret);
    if (judged.state === "signed") this.#close(toClosed(judged.fields));
  }

  #finish(end: End): void {
    if (this.#end !== undefined) return;
    this.#end = end;
    this.#exited.resolve(end);
  }

  #close(closed: Closed): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.spool.finish(closed.bytes);
    this.#closed.resolve(closed);
  }

  #lose(link: Link): void {
    if (this.#link !== link) return;
    this.#link = undefined;
    if (this.#detached || (this.#end !== undefined && this.#isClosed)) return; // it said all and left
    this.#settling = this.#settle(undefined);
  }

  async #settle(first: Verdict | undefined): Promise<void> {
    for (let wait = 10, verdict = first; !this.#detached; wait = Math.min(wait * 2, slowestRetryMs)) {
      try {
        verdict ??= await decide(this.dir, this.#found.intent, this.live, this.#found.onWarning);
        if (await this.#apply(verdict)) return;
      } catch (error) {
        this.#found.onWarning(`${this.id}: ${String(error)}`); // such as a full file table: it passes, the child waits
      }
      verdict = undefined;
      await delay(wait, undefined, { ref: false });
    }
    this.#settling = undefined;
  }

  /** False: ask again. */
  async #apply(verdict: Verdict): Promise<boolean> {
    switch (verdict.kind) {
      case "silent":
        return false;
      case "attached":
        if (this.#detached) verdict.link.close();
        else this.#attach(verdict.link, verdict.growth);
        return true;
      case "failed_start": // it was running as far as we knew: all that can be said is that it is not
        await this.#conclude(notSeen(this.spec, verdict.words), undefined);
        break;
      case "ended":
        await this.#conclude(verdict.end, verdict.closed);
        break;
      default:
        verdict satisfies never;
    }
    this.#settling = undefined;
    return true;
  }

  /** No keeper any more: what is on disk is all there is, and counts even where a record says that there was more. */
  async #conclude(end: End, closed: Closed | undefined): Promise<void> {
    await this.spool.measure();
    const missing = (end.kind === "exited" ? end.bytesAtExit : 0) - this.spool.length;
    if (missing > 0) this.#found.onWarning(`${this.id}: ${missing} bytes of its output are missing`);
    this.#finish(end);
    this.#close({ bytes: this.spool.length, stragglers: closed?.stragglers ?? 0 });
  }
}
