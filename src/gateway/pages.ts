// The files of the page. Only what was found in its folder beforehand is served: no path of a request touches the disk.
import { readdir, readFile } from "node:fs/promises";
import { extname, join, relative, sep } from "node:path";
import type { FastifyInstance, FastifyReply } from "fastify";

const TYPES: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".svg": "image/svg+xml",
  ".png": "image/png",
  ".ico": "image/x-icon",
  ".woff2": "font/woff2",
  ".woff": "font/woff",
  ".ttf": "font/ttf",
  ".wasm": "application/wasm",
  ".json": "application/json; charset=utf-8",
  ".webmanifest": "application/manifest+json",
  ".map": "application/json; charset=utf-8",
  ".txt": "text/plain; charset=utf-8",
};
/** A file that is not there may have been built meanwhile: looked for again, at most this often. */
const RESCAN_MS = 1_000;

/** Inline style stays allowed for what xterm and highlighted code set on elements; script never. */
const POLICY = [
  "default-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data:",
  "font-src 'self' data:",
  "object-src 'none'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");

const EXACT = ["/", "/index.html", "/favicon.svg", "/favicon.ico", "/manifest.webmanifest"];
export const isPage = (path: string): boolean => EXACT.includes(path) || path.startsWith("/assets/");

export class Pages {
  readonly #root: string;
  /** Path in an address → file. */
  #files = new Map<string, string>();
  #scannedAt = Number.NEGATIVE_INFINITY;
  #scanning: Promise<ReadonlyMap<string, string>> | undefined;

  constructor(root: string) {
    this.#root = root;
  }

  routes(app: FastifyInstance): void {
    for (const url of [...EXACT, "/assets/*"])
      app.get(url, { config: { public: true } }, (request, reply) => {
        const path = request.url.split("?", 1)[0] ?? "/";
        return this.#serve(path === "/" ? "/index.html" : path, reply);
      });
  }

  async #serve(path: string, reply: FastifyReply): Promise<FastifyReply> {
    const file = this.#files.get(path) ?? (await this.#scan()).get(path);
    const body = file === undefined ? undefined : await readFile(file).catch(() => undefined);
    void reply
      .header("content-security-policy", POLICY)
      .header("x-content-type-options", "nosniff")
      .header("referrer-policy", "no-referrer")
      .header("cross-origin-opener-policy", "same-origin")
      .header("cross-origin-resource-policy", "same-origin");
    if (body === undefined) {
      const missing = path === "/index.html" ? "The page is not built yet: `npm start` builds it.\n" : "Not found.\n";
      return reply.code(404).type("text/plain; charset=utf-8").send(missing);
    }
    // The names of assets change with what is in them.
    const cache = path.startsWith("/assets/") ? "public, max-age=31536000, immutable" : "no-cache";
    return reply
      .header("cache-control", cache)
      .type(TYPES[extname(path)] ?? "application/octet-stream")
      .send(body);
  }

  /** Requests that come while the folder is read wait for the same reading: a page asks for all its files at once. */
  #scan(): Promise<ReadonlyMap<string, string>> {
    const now = performance.now();
    if (this.#scanning === undefined || now - this.#scannedAt >= RESCAN_MS) {
      this.#scannedAt = now;
      this.#scanning = this.#read();
    }
    return this.#scanning;
  }

  async #read(): Promise<ReadonlyMap<string, string>> {
    const entries = await readdir(this.#root, { recursive: true, withFileTypes: true }).catch(() => []);
    const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
    this.#files = new Map(files.map((file) => [`/${relative(this.#root, file).split(sep).join("/")}`, file]));
    return this.#files;
  }
}
