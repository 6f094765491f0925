// JSON-RPC 2.0, once, for every transport: text in, at most one text out. One dialogue per connection.
import type * as z from "zod";
import { HostError, toWire, type WireError } from "../protocol/errors.ts";
import { firstWrong } from "../protocol/first-wrong.ts";
import { CANCEL_METHOD, CancelParams, RequestId, type RpcAnswer, RpcRequest } from "../protocol/frames.ts";
import { type Method, methods } from "../protocol/methods.ts";
import { misspelt } from "../protocol/misspelt.ts";
import type { Door } from "./admission.ts";
import { type Handlers, handlerOf, type Subscriber } from "./handlers.ts";
import { type Parsed, parseJson } from "./json.ts";
import type { Meter } from "./meter.ts";
import { isExpected } from "./problem.ts";

const MAX_BATCH = 100;
/** Requests of one connection that are being worked on: more are refused until some are answered. */
const MAX_OPEN = 1_000;

export interface DialogueOptions {
  handlers: Handlers;
  door: Door;
  meter: Meter;
  subscriber?: Subscriber;
  /** Told of what failed inside a handler, which the client is not told. */
  onFailure: (method: string, thrown: unknown) => void;
  /** Told of each text that is no request, and of each that is one too many. */
  onUseless?: () => void;
}
export interface Reply {
  text: string;
  /** To be called once `text` is on its way. */
  sent(): void;
}

class OpenCall {
  #controller: AbortController | undefined;
  #cancelled = false;
  readonly #steps: (() => void)[];
  readonly subscriber: Subscriber | undefined;
  readonly afterwards = (step: () => void): void => void this.#steps.push(step);

  constructor(subscriber: Subscriber | undefined, steps: (() => void)[]) {
    this.subscriber = subscriber;
    this.#steps = steps;
  }
  /** Made when first asked for: most handlers are done before anyone could cancel them. */
  get signal(): AbortSignal {
    this.#controller ??= new AbortController();
    if (this.#cancelled) this.#controller.abort(cancelled());
    return this.#controller.signal;
  }
  cancel(): void {
    this.#cancelled = true;
    this.#controller?.abort(cancelled());
  }
}
const cancelled = (): HostError => new HostError("cancelled", "The request was cancelled.");
const invalid = (message: string): HostError => new HostError("invalid_request", message);

export class Dialogue {
  readonly #options: DialogueOptions;
  readonly #open = new Map<RequestId | symbol, OpenCall>();
  messages = 0;
  parseErrors = 0;
  failures = 0;

  constructor(options: DialogueOptions) {
    this.#options = options;
  }

  /** The answer to one text; undefined if it wants none. Never rejects. */
  async receive(text: string): Promise<Reply | undefined> {
    if (text.length < 16 && text.trim() === "") {
      this.#options.onUseless?.();
      return undefined;
    }
    this.messages++;
    const parsed = parseJson(text);
    if (parsed === undefined) {
      this.parseErrors++;
      this.#options.onUseless?.();
      return this.#reply(failed(null, new HostError("parse_error", "This is not JSON, or nested too deep.")), []);
    }
    const steps: (() => void)[] = [];
    const { value } = parsed;
    const wrong = wrongNames(parsed);
    if (!Array.isArray(value)) {
      const answer = await this.#one(value, wrong, steps);
      if (answer) return this.#reply(answer, steps);
      this.#take(steps);
      return undefined;
    }
    if (value.length === 0 || value.length > MAX_BATCH) {
      this.#options.onUseless?.();
      const sizes = `A batch has 1 to ${MAX_BATCH} requests, this one has ${value.length}.`;
      return this.#reply(failed(null, invalid(sizes)), []);
    }
    const answers = await Promise.all(value.map((one) => this.#one(one, wrong, steps)));
    const wanted = answers.filter((answer) => answer !== undefined);
    if (wanted.length > 0) return this.#reply(wanted, steps);
    this.#take(steps);
    return undefined;
  }

  #reply(answer: RpcAnswer | RpcAnswer[], steps: readonly (() => void)[]): Reply {
    return {
      text: Array.isArray(answer) ? `[${answer.map(serialise).join(",")}]` : serialise(answer),
      sent: () => this.#take(steps),
    };
  }

  /** What follows from an answer. Nobody is left to be told of what fails here, and it must not end the host. */
  #take(steps: readonly (() => void)[]): void {
    for (const step of steps) {
      try {
        step();
      } catch (thrown) {
        this.failures++;
        this.#options.onFailure("what follows from an answer", thrown);
      }
    }
  }

  /** The connection is gone: what still runs for it is cancelled. */
  end(): void {
    for (const call of this.#open.values()) call.cancel();
  }

  async #one(value: unknown, wrong: string | undefined, steps: (() => void)[]): Promise<RpcAnswer | undefined> {
    const request = RpcRequest.safeParse(value);
    if (!request.success || wrong !== undefined) {
      this.#options.onUseless?.();
      return failed(idOf(value), invalid(wrong ?? `Not a JSON-RPC 2.0 request: ${sentence(request)}`));
    }
    const { id, method, params = {} } = request.data;
    const call = new OpenCall(this.#options.subscriber, steps);
    if (id === undefined) {
      // A notification wants no answer, whatever comes of it; its work may still be cancelled with the connection.
      await this.#run(Symbol("notification"), method, params, call).catch(() => undefined);
      return undefined;
    }
    if (this.#open.has(id)) return failed(id, invalid("A request with this id is still being worked on."));
    try {
      return { jsonrpc: "2.0", id, result: await this.#run(id, method, params, call) };
    } catch (thrown) {
      return failed(id, thrown);
    }
  }

  async #run(id: RequestId | symbol, method: string, params: unknown, call: OpenCall): Promise<unknown> {
    const { meter, door, handlers, onFailure } = this.#options;
    try {
      if (method === CANCEL_METHOD) return this.#cancel(params);
      if (!isMethod(method)) throw new HostError("method_not_found", `There is no method "${method.slice(0, 100)}".`);
      meter.count("hearth_rpc_requests_total", method);
      const { params: schema, door: needed } = methods[method];
      if (needed === "local" && door !== "unix")
        throw new HostError("forbidden", `${method} is only for clients on the host's own Unix socket.`);
      const checked = schema.safeParse(params);
      if (!checked.success) throw wrongParams(checked.error);
      const slip = misspelt(params as Record<string, unknown>, fieldsOf.get(method) ?? NO_FIELDS);
      if (slip !== undefined) throw slipOf(slip);
      if (this.#open.size >= MAX_OPEN)
        throw new HostError("too_many", `${MAX_OPEN} requests of this connection are open: wait for some answers.`);
      this.#open.set(id, call);
      try {
        return await handlerOf(handlers, method)(checked.data, call);
      } finally {
        this.#open.delete(id);
      }
    } catch (thrown) {
      if (!isExpected(thrown)) {
        this.failures++;
        onFailure(method, thrown);
      }
      if (thrown instanceof HostError && thrown.reason === "too_many") this.#options.onUseless?.();
      meter.count("hearth_rpc_errors_total", thrown instanceof HostError ? thrown.reason : "internal");
      throw thrown;
    }
  }

  #cancel(params: unknown): { cancelled: boolean } {
    const wanted = CancelParams.safeParse(params);
    if (!wanted.success) throw wrongParams(wanted.error);
    const call = this.#open.get(wanted.data.id);
    call?.cancel();
    return { cancelled: call !== undefined };
  }
}

const wrongNames = ({ tainted, twice }: Parsed): string | undefined =>
  tainted ? "The name __proto__ is not allowed." : twice ? "A name is given twice in one object." : undefined;

const isMethod = (name: string): name is Method => Object.hasOwn(methods, name);

function failed(id: RequestId, thrown: unknown): RpcAnswer {
  const error: WireError = toWire(thrown);
  return { jsonrpc: "2.0", id, error };
}

/** A result that is no JSON is a mistake of ours, and its request still gets an answer. */
function serialise(answer: RpcAnswer): string {
  try {
    return JSON.stringify(answer);
  } catch (thrown) {
    return JSON.stringify(failed(answer.id, thrown));
  }
}

/** The id of something that is no valid request, if it has one that could be answered to. */
function idOf(value: unknown): RequestId {
  if (typeof value !== "object" || value === null || !("id" in value)) return null;
  return RequestId.safeParse(value.id).data ?? null;
}

function wrongParams(error: z.ZodError): HostError {
  const { field, sentence } = firstWrong(error, "params");
  return new HostError("invalid_params", sentence, { data: { field } });
}
/** The fields that each method knows. */
const fieldsOf = new Map<string, ReadonlySet<string>>(
  Object.entries(methods).map(([name, { params }]) => [name, new Set(Object.keys(params.shape))]),
);
const NO_FIELDS: ReadonlySet<string> = new Set();
const slipOf = ({ field, meant }: { field: string; meant: string }): HostError =>
  new HostError("invalid_params", `${field}: there is no such field: ${meant} is meant`, { data: { field } });
const sentence = (parsed: { error?: z.ZodError | undefined }): string => firstWrong(parsed.error, "params").sentence;
