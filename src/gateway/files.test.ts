// Files by hand, over a real gateway and real directories.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import {
  chmodSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { request } from "node:http";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { Worker } from "node:worker_threads";
import { startTestHost, type TestHost, until } from "../../test/support/gateway-host.ts";
import { WorkspaceFiles } from "./workspace-files.ts";

const LIMIT = 1024 * 1024;

describe("files by hand", () => {
  let host: TestHost;
  let place: string;
  let workspace: string;
  let session: string;
  before(async () => {
    host = await startTestHost({ maxUploadBytes: LIMIT });
    place = realpathSync(mkdtempSync(join(tmpdir(), "hearth-files-")));
    workspace = join(place, "work");
    mkdirSync(join(workspace, "sub"), { recursive: true });
    writeFileSync(join(workspace, "sub/a.txt"), "0123456789");
    writeFileSync(join(place, "secret"), "outside");
    const made = await host.rpc("session.create", { workspace });
    session = (made.result as { session_id: string }).session_id;
  });
  after(async () => {
    await host[Symbol.asyncDispose]();
    rmSync(place, { recursive: true, force: true });
  });

  const address = (query: string) => `${host.gateway.address.url}/api/sessions/${session}/files?${query}`;
  const auth = () => ({ authorization: `Bearer ${host.token}` });
  const asked = (query: string, headers: Record<string, string> = {}) =>
    fetch(address(query), { headers: { ...auth(), ...headers } });
  const at = (path: string) => `path=${encodeURIComponent(path)}`;
  const send = (path: string, body: Uint8Array<ArrayBuffer> | string, more = "") =>
    fetch(address(at(path) + more), {
      method: "PUT",
      headers: { ...auth(), "content-type": "application/octet-stream" },
      body,
    });
  const reasonOf = async (answer: Response) => ((await answer.json()) as { reason: string }).reason;
  const escapes = () =>
    host.lines.filter(({ audit, reason }) => audit === "refused" && reason === "path_escape").length;
  const drafts = () => readdirSync(workspace, { recursive: true }).filter((name) => String(name).endsWith("upload"));

  it("gives a file as bytes that no browser renders, whole or in ranges", async () => {
    const whole = await asked(at("sub/a.txt"));
    assert.deepEqual([whole.status, await whole.text()], [200, "0123456789"]);
    const { headers } = whole;
    assert.equal(headers.get("content-type"), "application/octet-stream");
    assert.equal(headers.get("content-disposition"), "attachment; filename*=UTF-8''a.txt");
    assert.equal(headers.get("x-content-type-options"), "nosniff");
    assert.match(headers.get("content-security-policy") ?? "", /^sandbox/);
    const part = async (range: string, more: Record<string, string> = {}) => {
      const answer = await asked(at("sub/a.txt"), { range, ...more });
      return [answer.status, await answer.text(), answer.headers.get("content-range")];
    };
    assert.deepEqual(await part("bytes=2-4"), [206, "234", "bytes 2-4/10"]);
    assert.deepEqual(await part("bytes=7-"), [206, "789", "bytes 7-9/10"]);
    assert.deepEqual(await part("bytes=-2"), [206, "89", "bytes 8-9/10"]);
    assert.deepEqual(await part("bytes=8-99"), [206, "89", "bytes 8-9/10"]);
    assert.deepEqual(await part("bytes=2-4", { "if-range": '"another"' }), [200, "0123456789", null]);
    const none = await asked(at("sub/a.txt"), { range: "bytes=10-" });
    assert.deepEqual([none.status, none.headers.get("content-range")], [416, "bytes */10"]);
    writeFileSync(join(workspace, "empty"), "");
    assert.equal(await (await asked(at("empty"))).text(), "");
    writeFileSync(join(workspace, "it's (ü).txt"), "x");
    const named = (await asked(at("it's (ü).txt"))).headers.get("content-disposition");
    assert.equal(named, "attachment; filename*=UTF-8''it%27s%20%28%C3%BC%29.txt");
  });

  it("A21: finds nothing outside, in whatever form it is asked for, and audits each attempt", async () => {
    const forms = [
      ...["path=../secret", "path=sub/../../secret", "path=%2e%2e%2fsecret", "path=..%5csecret", "path=/etc/passwd"],
      ...[
        "path=%c0%ae%c0%ae/secret",
        "path=./sub/a.txt",
        "path=sub//a.txt",
        "path=sub/",
        "path=..",
        `path=${place}/secret`,
      ],
      ...["path=..;/secret", "path=%252e%252e/secret", "path=%252e%252e%252fsecret"],
    ];
    for (const form of forms) {
      const before = escapes();
      for (const method of ["GET", "PUT"]) {
        const body = method === "PUT" ? { body: "x" } : {};
        const headers = { ...auth(), "content-type": "application/octet-stream" };
        const answer = await fetch(address(form), { method, headers, ...body });
        const literal = /%252e|;/.test(form);
        // Decoded once and no further, these are names of files like any other: there are none.
        if (!literal) assert.equal(answer.status, 404, `${method} ${form}`);
        else if (method === "GET") assert.equal(answer.status, 404, form);
        if (!literal) assert.ok(escapes() > before, form);
        assert.ok(!(await answer.text()).includes("outside"));
      }
    }
    assert.equal((await asked("path=a%00b")).status, 400);
    assert.equal((await send("a\0b", "x")).status, 400);
    assert.equal((await asked("")).status, 400);
    assert.equal(readFileSync(join(place, "secret"), "utf8"), "outside");
    const other = `${host.gateway.address.url}/api/sessions/ses_000000000000/files?path=a`;
    assert.equal((await fetch(other, { headers: auth() })).status, 404);
  });

  it("A22: follows no link, to a file or through a directory, inside or outside, for reading or writing", async () => {
    symlinkSync(join(place, "secret"), join(workspace, "link"));
    symlinkSync(place, join(workspace, "way"));
    symlinkSync("sub", join(workspace, "near"));
    for (const path of ["link", "way/secret", "near/a.txt"]) {
      const before = escapes();
      assert.equal((await asked(at(path))).status, 404, path);
      assert.equal(escapes(), before + 1);
      for (const more of ["", "&overwrite=1"]) assert.equal((await send(path, "mine", more)).status, 404, path);
    }
    assert.equal(readFileSync(join(place, "secret"), "utf8"), "outside");
    // Node's own listing, below, would go round in circles.
    for (const name of ["link", "way", "near"]) rmSync(join(workspace, name));
    assert.deepEqual(drafts(), []);
  });

  it("A22: leaks nothing while a directory and a file are flipped between real and link", async () => {
    const away = join(place, "away");
    for (const folder of [join(workspace, "flip"), away]) mkdirSync(folder);
    writeFileSync(join(workspace, "flip/file"), "inside");
    writeFileSync(join(away, "file"), "outside");
    writeFileSync(join(workspace, "turn"), "inside");
    const flipper = new Worker(
      `const { renameSync, symlinkSync, linkSync, workerData: w } = { ...require("fs"), ...require("worker_threads") };
       const stop = new Int32Array(w.stop);
       symlinkSync(w.away, w.place + "/link"); linkSync(w.work + "/turn", w.place + "/kept");
       while (Atomics.load(stop, 0) === 0) {
         renameSync(w.work + "/flip", w.place + "/real"); renameSync(w.place + "/link", w.work + "/flip");
         symlinkSync(w.away + "/file", w.place + "/t"); renameSync(w.place + "/t", w.work + "/turn");
         renameSync(w.work + "/flip", w.place + "/link"); renameSync(w.place + "/real", w.work + "/flip");
         linkSync(w.place + "/kept", w.place + "/t"); renameSync(w.place + "/t", w.work + "/turn");
         Atomics.add(stop, 1, 1);
       }`,
      { eval: true, workerData: { work: workspace, place, away, stop: new SharedArrayBuffer(8) } },
    );
    const { promise: exited, resolve } = Promise.withResolvers<number>();
    flipper.once("exit", resolve);
    const files = new WorkspaceFiles(workspace, host.home);
    const seen: Record<string, number> = {};
    const look = async (path: string, rounds: number) => {
      for (let round = 0; round < rounds; round++) {
        let found: string;
        try {
          await using file = await files.open(path);
          found = await file.handle.readFile("utf8");
        } catch (error) {
          found = (error as { reason?: string }).reason ?? String(error);
        }
        seen[found] = (seen[found] ?? 0) + 1;
      }
    };
    const none = async function* () {
      yield Buffer.alloc(0);
    };
    // Whoever writes through a flipped directory must not arrive outside either.
    const put = async (rounds: number) => {
      for (let round = 0; round < rounds; round++)
        await files
          .write("flip/new", none(), { overwrite: true, maxBytes: 10 })
          .catch((error: { reason?: string }) => assert.ok(error.reason !== undefined, String(error)));
    };
    await Promise.all([...Array(4)].flatMap(() => [look("flip/file", 500), look("turn", 500), put(100)]));
    await flipper.terminate();
    await exited;
    assert.equal(seen.outside, undefined);
    assert.deepEqual(Object.keys(seen).sort(), ["file_not_found", "inside", "path_refused"]);
    assert.ok((seen.inside ?? 0) > 100 && (seen.path_refused ?? 0) > 100, JSON.stringify(seen));
    assert.deepEqual(readdirSync(away), ["file"]);
    rmSync(join(workspace, "flip"), { recursive: true, force: true });
    rmSync(join(workspace, "turn"), { force: true });
  });

  it("A23: opens no pipe, socket, device, directory or view of the kernel, and waits for none", async () => {
    execFileSync("mkfifo", [join(workspace, "fifo")]);
    await using server = createServer().listen(join(workspace, "sock"));
    await until(() => server.listening, "a socket");
    for (const path of ["fifo", "sock", "sub"]) {
      for (const answer of [await asked(at(path)), await send(path, "x", "&overwrite=1")])
        assert.deepEqual([answer.status, await reasonOf(answer)], [422, "not_regular"], path);
    }
    const everything = new WorkspaceFiles("/", host.home);
    for (const path of ["dev/null", "proc/self/environ", "proc/version"])
      await assert.rejects(everything.open(path), { reason: /^(not_regular|path_refused)$/ }, path);
    // /proc/self is a link; its own kind of file is refused as well.
    await assert.rejects(everything.open("proc/version"), { reason: "not_regular" });
    const big = join(workspace, "sparse");
    writeFileSync(big, "");
    truncateSync(big, 10 * 1024 ** 3);
    const memory = process.memoryUsage().rss;
    const tail = await asked(at("sparse"), { range: "bytes=10737418000-" });
    assert.deepEqual([tail.status, (await tail.arrayBuffer()).byteLength], [206, 240]);
    const stream = await asked(at("sparse"));
    assert.equal(stream.headers.get("content-length"), String(10 * 1024 ** 3));
    await stream.body?.cancel();
    assert.ok(process.memoryUsage().rss - memory < 100 * 1024 * 1024);
    rmSync(big);
  });

  it("keeps Hearth's own directory out, where it lies in the workspace", async () => {
    const files = new WorkspaceFiles(place, workspace);
    await assert.rejects(files.open("work/sub/a.txt"), { reason: "path_refused" });
    await using secret = await files.open("secret");
    assert.equal(await secret.handle.readFile("utf8"), "outside");
  });

  it("takes a file whole: new ones only, unless it is said to replace", async () => {
    const body = randomBytes(300_000);
    const first = await send("sub/new.bin", body);
    assert.deepEqual(
      [first.status, await first.json()],
      [
        201,
        { path: "sub/new.bin", place: join(workspace, "sub/new.bin"), bytes: 300_000, replaced: false, note: null },
      ],
    );
    const sum = (bytes: Buffer) => createHash("sha256").update(bytes).digest("hex");
    assert.equal(sum(readFileSync(join(workspace, "sub/new.bin"))), sum(body));
    const again = await send("sub/new.bin", "short");
    assert.deepEqual([again.status, await reasonOf(again)], [409, "file_exists"]);
    chmodSync(join(workspace, "sub/new.bin"), 0o751);
    linkSync(join(workspace, "sub/new.bin"), join(workspace, "sub/other"));
    assert.equal((await send("sub/new.bin", "short", "&overwrite=1")).status, 200);
    assert.equal(readFileSync(join(workspace, "sub/new.bin"), "utf8"), "short");
    assert.equal(statSync(join(workspace, "sub/new.bin")).mode & 0o777, 0o751);
    // By rename: whoever has the old one open, or another name for it, keeps it.
    assert.equal(statSync(join(workspace, "sub/other")).size, 300_000);
    assert.equal((await send("sub/none", "")).status, 201);
    assert.equal(statSync(join(workspace, "sub/none")).size, 0);
    assert.equal((await send("nowhere/new", "x")).status, 404);
    const json = { ...auth(), "content-type": "application/json" };
    assert.equal((await fetch(address(at("j")), { method: "PUT", headers: json, body: "{}" })).status, 415);
    assert.deepEqual(drafts(), []);
  });

  it("lets only one of many senders have a new name", async () => {
    const answers = await Promise.all([...Array(8)].map((_, at) => send("raced", `from ${at}`)));
    assert.deepEqual(answers.map(({ status }) => status).sort(), [201, ...Array(7).fill(409)]);
    assert.deepEqual(drafts(), []);
  });

  it("A24: refuses names that deceive people or programs", async () => {
    const names = ["-rf", "a\u202etxt.exe", "a\nb", " a", "a ", "\u200bx", "tab\t", "sub/\x1b[31m", "sub/--help"];
    for (const name of names) {
      const answer = await send(name, "x");
      assert.deepEqual([answer.status, await reasonOf(answer)], [422, "name_refused"], JSON.stringify(name));
    }
    for (const name of ["x".repeat(256), "ü".repeat(128), `sub/${"x".repeat(300)}`]) {
      const answer = await send(name, "x");
      assert.deepEqual([answer.status, await reasonOf(answer)], [422, "name_refused"], `${name.length} characters`);
      assert.equal((await asked(at(name))).status, 404);
    }
    assert.equal((await send(`${"x".repeat(300)}/a`, "x")).status, 404, "there is no such folder");
    assert.equal((await send("y".repeat(255), "x")).status, 201);
    assert.deepEqual(drafts(), []);
    assert.equal((await send("über größe 文字.txt", "x")).status, 201);
  });

  it("gives 413 for a file over the limit, said beforehand or not, and keeps nothing of it", async () => {
    assert.equal((await send("large", Buffer.alloc(LIMIT))).status, 201);
    assert.equal((await send("larger", Buffer.alloc(LIMIT + 1))).status, 413);
    const { promise, resolve, reject } = Promise.withResolvers<number>();
    const chunked = request(address(at("largest")), {
      method: "PUT",
      headers: { ...auth(), "content-type": "application/octet-stream" },
    });
    chunked.on("response", (answer) => resolve(answer.statusCode ?? 0)).on("error", reject);
    chunked.write(Buffer.alloc(LIMIT));
    chunked.write(Buffer.alloc(1));
    assert.equal(await promise, 413);
    chunked.destroy();
    assert.deepEqual([readdirSync(workspace).filter((name) => /larger|largest/.test(name)), drafts()], [[], []]);
  });

  it("keeps nothing of a file whose sender leaves in the middle", async () => {
    const leaving = request(address(at("half")), {
      method: "PUT",
      headers: { ...auth(), "content-type": "application/octet-stream", "content-length": "1000" },
    });
    leaving.on("error", () => undefined);
    leaving.write("half of it");
    await until(() => drafts().length === 1, "a draft");
    leaving.destroy();
    await until(() => drafts().length === 0, "no draft");
    assert.ok(!readdirSync(workspace).includes("half"));
  });
});
