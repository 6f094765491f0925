// The router: every HTTP route, what each asks for, and the table of all of them that the refusal test walks.
import type { RequestListener, Server } from "node:http";
import fastify, {
  type FastifyBaseLogger,
  type FastifyError,
  type FastifyInstance,
  type FastifyRequest,
  LogController,
} from "fastify";
import * as z from "zod";
import { HostError } from "../protocol/errors.ts";
import { type Identity, unauthorized } from "./admission.ts";
import { chatRoutes } from "./chat.ts";
import { checked } from "./checked.ts";
import { Dialogue } from "./dialogue.ts";
import { type Entrance, respond } from "./entrance.ts";
import type { Failures } from "./failures.ts";
import { fileRoutes } from "./files.ts";
import type { Handlers } from "./handlers.ts";
import type { Logins } from "./logins.ts";
import type { Meter } from "./meter.ts";
import { attachmentOf, outputRoute } from "./output.ts";
import { Pages } from "./pages.ts";
import { isAnotherUsers } from "./peer-user.ts";
import { isExpected, PROBLEM_TYPE, type Problem, problemBody, problemOf } from "./problem.ts";
import type { Services } from "./services.ts";
import { eventRoutes, StreamContext } from "./streams.ts";

declare module "fastify" {
  interface FastifyContextConfig {
    /** Answers without a credential. Whatever does not say so asks for one. */
    public?: boolean;
  }
}

export interface Route {
  method: string;
  url: string;
  access: "public" | "token";
  kind: "http" | "upgrade";
}
/** Answered without a credential, and nothing else but the page's files. The hook below holds routes to it. */
const PUBLIC: Readonly<Record<string, readonly string[]>> = {
  GET: ["/healthz", "/readyz"],
  POST: ["/api/login"],
};
export const isPublicRoute = (method: string, path: string): boolean => PUBLIC[method]?.includes(path) ?? false;

export interface RouterOptions {
  services: Services;
  handlers: Handlers;
  logins: Logins;
  failures: Failures;
  entrance: Entrance;
  meter: Meter;
  log: FastifyBaseLogger;
  webRoot: string;
  cookieName: string;
  maxBodyBytes: number;
  maxUploadBytes: number;
  /** The host's own, in its home. */
  socketPath: string;
  secure: boolean;
  /** A name beside loopback: what comes under it may have passed through a proxy. */
  isListed: (host: string) => boolean;
  closing: AbortSignal;
  upgrades: readonly { url: string }[];
  /** Whether one more socket may be opened by this credential; else what it is told. */
  roomFor: (identity: Identity) => Problem | undefined;
  gauges: () => Record<string, number>;
  /** Makes the server that `app.listen` uses. */
  server: (route: RequestListener) => Server;
}
export interface Router {
  app: FastifyInstance;
  table: readonly Route[];
  /** What an admitted request is handed to. */
  route: RequestListener;
  /** Resolves once no request to a method is without its answer. */
  answered: () => Promise<void>;
}

const noSchemas = () => (): never => {
  throw new Error("A route is given a JSON schema, and nothing here compiles one");
};

export async function buildRouter(options: RouterOptions): Promise<Router> {
  const { entrance, log, maxBodyBytes } = options;
  const table: Route[] = [];
  let route: RequestListener | undefined;
  const app = fastify({
    loggerInstance: log,
    logController: new LogController({ disableRequestLogging: true }),
    frameworkErrors: (error, _, reply) => {
      reply.hijack();
      respond(reply.raw, problemOfRoute(error));
    },
    // Routes have no JSON schemas, zod checks what comes in: the compilers for them would be loaded at every start for nothing.
    schemaController: { compilersFactory: { buildValidator: noSchemas, buildSerializer: noSchemas } },
    bodyLimit: maxBodyBytes,
    exposeHeadRoutes: false,
    routerOptions: { maxParamLength: 300 },
    // A prototype in a body is refused, not cleaned: nobody sends one by mistake.
    onProtoPoisoning: "error",
    onConstructorPoisoning: "remove",
    forceCloseConnections: true,
    serverFactory: (handler) => {
      route = handler as RequestListener;
      return options.server(route);
    },
  });
  // JSON is the only thing that is read, and only where it says so: a page's form or plain text is refused (A08).
  app.removeContentTypeParser("text/plain");

  app.addHook("onRoute", ({ method, url, config }) => {
    for (const one of Array.isArray(method) ? method : [method])
      table.push({ method: one, url, access: config?.public === true ? "public" : "token", kind: "http" });
  });
  app.addHook("onRequest", async (request) => {
    // The second lock on the same door: a route that admission took for public has to say so itself.
    const admitted = entrance.of(request.raw);
    if (admitted?.identity === undefined && request.routeOptions.config?.public !== true)
      throw new HostError("unauthorized", "A token is needed.");
  });
  app.setErrorHandler<FastifyError>((error, request, reply) => {
    const problem = problemOfRoute(error);
    if (problem.status >= 500 && !isExpected(error))
      request.log.error({ url: request.routeOptions.url, err: error }, "a route failed");
    return reply
      .code(problem.status)
      .type(PROBLEM_TYPE)
      .headers(problem.headers ?? {})
      .send(problemBody(problem));
  });
  app.setNotFoundHandler((request, reply) => {
    const problem = notFound(table, request);
    return reply
      .code(problem.status)
      .type(PROBLEM_TYPE)
      .headers(problem.headers ?? {})
      .send(problemBody(problem));
  });
  app.addHook("onSend", async (request, reply) => {
    void reply.header("x-content-type-options", "nosniff");
    if (request.url.startsWith("/api/")) void reply.header("cache-control", "no-store");
  });

  const streams = new StreamContext({
    services: options.services,
    meter: options.meter,
    closing: options.closing,
    identityOf: (request) => entrance.of(request)?.identity,
  });
  new Pages(options.webRoot).routes(app);
  loginRoutes(app, options);
  stateRoutes(app, options);
  const { answered } = rpcRoute(app, options);
  chatRoutes(app, streams);
  eventRoutes(app, streams);
  outputRoute(app, streams);
  watchRoute(app, options);
  fileRoutes(app, { ...options, context: streams });
  for (const { url } of options.upgrades) {
    app.get(url, (_, reply) => {
      const problem = { status: 426, reason: "upgrade_required", detail: "This address speaks WebSocket only." };
      return reply.code(426).header("upgrade", "websocket").type(PROBLEM_TYPE).send(problemBody(problem));
    });
  }
  await app.ready();
  if (route === undefined) throw new Error("fastify made no server");
  for (const { url } of options.upgrades) table.push({ method: "GET", url, access: "token", kind: "upgrade" });
  return { app, table, route, answered };
}

const Login = z.object({ ticket: z.string().min(1).max(200) });
/** Nobody is known here yet: whoever reaches the port must not make the host keep and parse megabytes. */
const MOST_LOGIN_BYTES = 4 * 1024;

function loginRoutes(
  app: FastifyInstance,
  { logins, failures, cookieName, secure, isListed, entrance, log }: RouterOptions,
): void {
  const cookie = (value: string, seconds: number) =>
    `${cookieName}=${value}; Path=/; HttpOnly; SameSite=Strict; Max-Age=${seconds}${secure ? "; Secure" : ""}`;

  app.post("/api/login", { config: { public: true }, bodyLimit: MOST_LOGIN_BYTES }, async (request, reply) => {
    const { ticket } = checked(Login, request.body);
    const direct = entrance.of(request.raw)?.door === "tcp" && !isListed(request.headers.host ?? "");
    const foreign = direct && (await isAnotherUsers(request.raw.socket));
    const made = foreign ? undefined : await logins.redeem(ticket);
    if (made === undefined) {
      const { problem } = unauthorized(failures);
      entrance.audit.refused({ status: problem.status, reason: foreign ? "ticket_of_another_user" : "ticket" });
      if (problem.status === 401) await failures.delayed();
      const detail =
        problem.status === 401 ? "This ticket was used, or is too old: `hearth open` makes a new one." : problem.detail;
      return reply
        .code(problem.status)
        .headers(problem.headers ?? {})
        .type(PROBLEM_TYPE)
        .send(problemBody({ ...problem, detail }));
    }
    log.info({ audit: "login" }, "a browser logged in");
    void reply.header("set-cookie", cookie(made.cookie, Math.floor((made.expiresAt - Date.now()) / 1000)));
    return { secret: made.secret, expires_at: made.expiresAt };
  });

  app.post("/api/logout", async (request, reply) => {
    const identity = entrance.of(request.raw)?.identity;
    if (identity?.via === "login") await logins.end(identity.key);
    log.info({ audit: "logout" }, "a login was ended");
    void reply.header("set-cookie", cookie("", 0));
    return { ok: true };
  });
}

/** What a link to watch shows: for the page that it opens. */
function watchRoute(app: FastifyInstance, { entrance, services, roomFor }: RouterOptions): void {
  app.get("/api/watch", async (request) => {
    const identity = entrance.of(request.raw)?.identity;
    const watch = identity?.watch;
    if (identity === undefined || watch === undefined)
      throw new HostError("terminal_not_found", "This is for links to watch; you may see everything anyway.");
    // Said here, since a browser does not tell its page why a socket was refused.
    const full = roomFor(identity);
    if (full !== undefined) throw new HostError("too_many", full.detail);
    const { mode } = attachmentOf(services, watch.target);
    return { id: watch.target, name: await nameOf(services, watch.target), mode, expires_at: watch.expiresAt };
  });
}

/** What a person calls it: by its id nobody knows it. Null where nothing is known of it any more. */
async function nameOf({ terminals, processes, redactor }: Services, id: string): Promise<string | null> {
  const shell = terminals.list({}).find((row) => row.terminal_id === id);
  if (shell !== undefined) return shell.title ?? shell.name;
  const row = (await processes.list({})).find((one) => one.process_id === id);
  const name = row === undefined ? null : (row.name ?? row.command);
  return name === null ? null : (redactor?.text(name) ?? name);
}

function stateRoutes(app: FastifyInstance, { meter, gauges }: RouterOptions): void {
  app.get("/healthz", { config: { public: true } }, async () => ({ ok: true }));
  app.get("/readyz", { config: { public: true } }, async () => ({ ok: true }));
  app.get("/metrics", async (_, reply) => {
    void reply.type("text/plain; version=0.0.4; charset=utf-8");
    return meter.text(gauges());
  });
}

function rpcRoute(app: FastifyInstance, { handlers, meter, entrance, log, closing }: RouterOptions) {
  const open = new Set<Dialogue>();
  let emptied = Promise.withResolvers<void>();
  // Who waits for something is told that the wait is over, rather than cut off.
  closing.addEventListener("abort", () => {
    for (const dialogue of open) dialogue.end();
  });
  void app.register((scope, _, done) => {
    // The dialogue reads the text itself, as on every other transport; its errors are answers.
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser("application/json", { parseAs: "string" }, (_, body, done) => done(null, body));
    scope.post("/api/rpc", async (request, reply) => {
      const door = entrance.of(request.raw)?.door ?? "tcp";
      const onFailure = (method: string, err: unknown) => log.error({ method, err }, "a handler failed");
      const dialogue = new Dialogue({ handlers, door, meter, onFailure });
      open.add(dialogue);
      // Also comes after a normal end; there is nothing left to cancel then.
      reply.raw.once("close", () => {
        dialogue.end();
        open.delete(dialogue);
        if (open.size === 0) emptied.resolve();
      });
      const text = typeof request.body === "string" ? request.body : "";
      if (text.trim() === "") throw new HostError("parse_error", "The body is empty: send one JSON-RPC request.");
      const answering = dialogue.receive(text);
      if (closing.aborted) dialogue.end();
      const answer = await answering;
      if (answer === undefined) return reply.code(204).send();
      await reply.type("application/json; charset=utf-8").send(answer.text);
      answer.sent();
      return reply;
    });
    done();
  });
  const answered = async (): Promise<void> => {
    if (open.size === 0) return;
    emptied = Promise.withResolvers();
    await emptied.promise;
  };
  return { answered };
}

function problemOfRoute(error: FastifyError): Problem {
  if (error instanceof HostError) {
    const problem = problemOf(error);
    return error.reason === "offset_gone" ? { ...problem, headers: rangeOf(error) } : problem;
  }
  const status = error.statusCode ?? 500;
  if (status === 415)
    return {
      status,
      reason: "unsupported_media_type",
      detail: "Send JSON, with content-type: application/json (a file: application/octet-stream).",
    };
  if (status === 413) return { status, reason: "too_large", detail: "The body is too large." };
  if (status >= 400 && status < 500)
    return { status, reason: "bad_request", detail: "The body cannot be read as JSON." };
  return problemOf(error);
}

function rangeOf({ data }: HostError): Record<string, string> {
  return typeof data.length === "number" ? { "content-range": `bytes */${data.length}` } : {};
}

/** A known address with another method is told apart from an unknown one. */
function notFound(table: readonly Route[], request: FastifyRequest): Problem {
  const path = request.url.split("?", 1)[0] ?? "/";
  const allow = [...new Set(table.filter(({ url }) => patternOf(url).test(path)).map(({ method }) => method))].join(
    ", ",
  );
  if (allow === "") return { status: 404, reason: "not_found", detail: "There is nothing at this address." };
  return { status: 405, reason: "method_not_allowed", detail: `Only ${allow} here.`, headers: { allow } };
}
const patternOf = (url: string): RegExp =>
  new RegExp(`^${url.replaceAll(".", "\\.").replaceAll(/:\w+/g, "[^/]+").replaceAll("*", ".*")}$`);
