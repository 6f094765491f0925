// Turns whatever a provider, its library or the network throws into one ModelError that says what to do (S8), without secrets (S5).
import type { TurnError } from "../protocol/events.ts";
import { ModelError } from "./model.ts";

/** A provider's failure. `again`: the same request may well succeed a little later. */
export class ProviderFailure extends ModelError {
  readonly again: boolean;
  constructor(
    type: TurnError["type"],
    message: string,
    hint: string,
    options: { again: boolean; retryAfterMs?: number | undefined },
  ) {
    const { retryAfterMs } = options;
    super(type, message, hint, retryAfterMs === undefined ? {} : { retryAfterMs });
    this.again = options.again;
  }
}

/** Whom a failure is about: `provider` is its name in the settings, `secrets` are struck out of every text. */
export interface Subject {
  provider: string;
  model: string;
  host: string;
  secrets: readonly string[];
}

/** What a provider said, as far as it can be read. */
interface Complaint {
  status: number | undefined;
  codes: string;
  message: string;
  headers: Readonly<Record<string, unknown>>;
}

const CONTEXT =
  /context.?(length|window|size|limit)|maximum context|prompt is too long|too many (input )?tokens|input is too long|exceed\w* (the )?(available )?context|reduce the length/i;
const FILTER = /content.?(filter|management|policy)|responsible.?ai|safety system|flagged/i;
const BILLING = /insufficient_quota|credit balance|billing|exceeded your current quota/i;
/** Codes of sockets, names and certificates; not those of wrong arguments, which are our own fault. */
const NETWORK = /^(E(?!RR_)[A-Z0-9_]+|UND_ERR_\w+|ERR_(TLS|SSL|STREAM|HTTP)\w*|\w*(CERT|SIGNED|ISSUER)\w*)$/;
const LONGEST_TEXT = 300;

/** Never throws. What is a ModelError already comes back as it is, from however deep. Only words go on, no causes: those carry the conversation. */
export function explain(thrown: unknown, subject: Subject): ModelError {
  for (const error of chain(thrown)) if (error instanceof ModelError) return error;
  const complaint = findComplaint(thrown);
  return complaint === undefined ? unexpected(thrown, subject) : judge(complaint, subject);
}

function judge(complaint: Complaint, subject: Subject): ProviderFailure {
  const { status, codes, message } = complaint;
  const { provider, model } = subject;
  const words = `${codes} ${message}`;
  const said = clean([status, message].filter((part) => part !== undefined && part !== "").join(": "), subject);
  const wrongRequest = status === undefined || status === 400 || status === 413 || status === 422 || status >= 500;
  if (wrongRequest && CONTEXT.test(words)) return tooLong(said, subject);
  if (status === 413) return tooLong(said, subject);
  if ((status === undefined || status < 500) && FILTER.test(words)) {
    return new ProviderFailure(
      "refusal",
      `${provider} refused the request (${said})`,
      "Put the request in other words, or choose another model.",
      { again: false },
    );
  }
  if (BILLING.test(words)) {
    return new ProviderFailure(
      status === 429 ? "rate_limit" : "error",
      `${provider} has no credit left for this key (${said})`,
      "Check the plan and billing of the key, or choose another model.",
      { again: false },
    );
  }
  if (status === 401 || status === 403 || /authentication|permission_error|invalid_api_key/.test(codes)) {
    return new ProviderFailure(
      "authentication",
      `${provider} ${subject.secrets.length === 0 ? "wants a key" : "refuses the key"} (${said})`,
      keyHint(provider),
      {
        again: false,
      },
    );
  }
  if (status === 429 || /rate_limit/.test(codes)) {
    const retryAfterMs = retryAfter(complaint.headers);
    const when = retryAfterMs === undefined ? "a little later" : `in ${Math.ceil(retryAfterMs / 1000)} s`;
    return new ProviderFailure(
      "rate_limit",
      `${provider} asks for fewer requests (${said})`,
      `Try again ${when}, or choose another model.`,
      { again: true, retryAfterMs },
    );
  }
  if (status === 404) {
    return new ProviderFailure(
      "error",
      `${provider} does not know the model ${clean(model, subject)} (${said})`,
      "Choose one of the models it lists.",
      { again: false },
    );
  }
  const overloaded = status === undefined ? /overloaded|api_error|server_error|timeout/.test(codes) : false;
  if (overloaded || status === 408 || status === 409 || (status !== undefined && status >= 500)) {
    const retryAfterMs = retryAfter(complaint.headers);
    return new ProviderFailure(
      "network",
      `${provider} cannot answer at the moment (${said})`,
      "Try again in a minute, or choose another model.",
      { again: true, retryAfterMs },
    );
  }
  return new ProviderFailure(
    "error",
    `${provider} did not accept the request (${said || "no reason given"})`,
    "Try again, or choose another model.",
    { again: false },
  );
}

function tooLong(said: string, { provider, model }: Subject): ProviderFailure {
  return new ProviderFailure(
    "context_too_long",
    `The conversation is too long for ${provider}/${model} (${said})`,
    "Begin a new session, or choose a model with a larger context.",
    { again: false },
  );
}

/** What to do about a key that is missing or wrong. */
export function keyHint(provider: string): string {
  const variable = { anthropic: "ANTHROPIC_API_KEY", openai: "OPENAI_API_KEY" }[provider];
  const settings = `providers.${provider}.api_key_command or api_key in config.toml`;
  return variable === undefined ? `Set ${settings}.` : `Set ${variable}, or ${settings}.`;
}

/** The stream ended, or came, in a way that cannot be a whole answer. */
export function broken(subject: Subject, what: string, again: boolean): ProviderFailure {
  return new ProviderFailure(
    "network",
    `The answer of ${subject.provider} (${subject.host}) ${what}`,
    "Try again; if it stays so, check the connection and providers' base_url.",
    { again },
  );
}

function unexpected(thrown: unknown, subject: Subject): ModelError {
  const errors = [...chain(thrown)];
  if (errors.some((error) => /JSONParse|TypeValidation/.test(error.name))) {
    return broken(subject, "is not what its format says (no valid JSON)", false);
  }
  if (errors.some((error) => /InvalidResponseData|EmptyResponseBody/.test(error.name))) {
    return broken(subject, "is not complete", true);
  }
  const codes = errors.flatMap((error) =>
    "code" in error && typeof error.code === "string" && NETWORK.test(error.code) ? [error.code] : [],
  );
  const network =
    codes.length > 0 || errors.some((error) => /fetch failed|terminated|Cannot connect/i.test(error.message));
  if (network) {
    const reason = codes[0] ?? "the connection broke";
    return new ProviderFailure(
      "network",
      `${subject.provider} cannot be reached at ${subject.host} (${reason})`,
      `Check that ${subject.host} is up and reachable, and providers.${subject.provider}.base_url.`,
      { again: true },
    );
  }
  return new ProviderFailure(
    "error",
    `The answer of ${subject.provider} failed: ${clean(errors[0]?.message ?? String(thrown), subject)}`,
    "Try again, or choose another model.",
    { again: false },
  );
}

/** The first thing in the chain of causes that carries a provider's own words. By shape, so that no library need be loaded to ask. */
function findComplaint(thrown: unknown): Complaint | undefined {
  if (!(thrown instanceof Error)) return fromBody(thrown, undefined, {});
  for (const error of chain(thrown)) {
    const { statusCode, responseBody, responseHeaders, value, data } = error as Partial<Record<string, unknown>> &
      Error;
    const headers = isRecord(responseHeaders) ? responseHeaders : {};
    if (typeof statusCode === "number" && statusCode >= 300) {
      const said = fromBody(parse(responseBody) ?? data, statusCode, headers);
      return said ?? { status: statusCode, codes: "", message: error.message, headers };
    }
    // An error in a shape of its own, in the middle of a stream, comes as data that did not validate.
    const said = isRecord(value) && "error" in value ? fromBody(value, undefined, {}) : undefined;
    if (said !== undefined) return said;
  }
  return undefined;
}

/** `{error: {message, type, code}}`, `{error: "…"}`, or the inner object alone. */
function fromBody(body: unknown, status: number | undefined, headers: Complaint["headers"]): Complaint | undefined {
  const inner = isRecord(body) && "error" in body ? body.error : body;
  if (typeof inner === "string" && inner !== "") return { status, codes: "", message: inner, headers };
  if (!isRecord(inner)) return undefined;
  const { message, type, code, status: ownStatus } = inner;
  if (typeof message !== "string" && typeof type !== "string" && typeof code !== "string") return undefined;
  const codeAsStatus = [code, ownStatus].find((number) => typeof number === "number" && number >= 400 && number < 600);
  return {
    status: status ?? (codeAsStatus as number | undefined),
    codes: [type, code].filter((word) => typeof word === "string").join(" "),
    message: typeof message === "string" ? message : "",
    headers,
  };
}

/** Milliseconds a provider asks to wait: `retry-after-ms`, or `retry-after` in seconds or as a date. */
export function retryAfter(headers: Readonly<Record<string, unknown>>, now: number = Date.now()): number | undefined {
  const milliseconds = Number(headers["retry-after-ms"] ?? Number.NaN);
  if (Number.isFinite(milliseconds) && milliseconds >= 0) return Math.round(milliseconds);
  const value = headers["retry-after"];
  if (typeof value !== "string" || value.trim() === "") return undefined;
  const seconds = Number(value);
  if (Number.isFinite(seconds)) return seconds < 0 ? undefined : Math.round(seconds * 1000);
  const date = Date.parse(value);
  return Number.isNaN(date) ? undefined : Math.max(0, date - now);
}

/** One line, bounded, without control characters and without any of the secrets. */
function clean(text: string, { secrets }: Subject): string {
  let cleaned = text;
  for (const secret of secrets) {
    for (const form of [secret, encodeURIComponent(secret), Buffer.from(secret).toString("base64")]) {
      cleaned = cleaned.replaceAll(form, "[key]");
    }
  }
  cleaned = cleaned.replace(/\p{C}+|\s+/gu, " ").trim();
  return cleaned.length > LONGEST_TEXT ? `${cleaned.slice(0, LONGEST_TEXT - 1)}…` : cleaned;
}

function* chain(thrown: unknown): Generator<Error> {
  const seen = new Set<unknown>();
  for (let error = thrown; error instanceof Error && !seen.has(error); error = error.cause) {
    seen.add(error);
    yield error;
  }
}

function parse(text: unknown): unknown {
  if (typeof text !== "string") return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // an HTML page, say; the status is enough then
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}
