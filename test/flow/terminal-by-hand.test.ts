// What people do with a terminal beside typing: drop a file on it, name it, end it while something runs in it.
import assert from "node:assert/strict";
import { mkdir, mkdtemp, readFile, realpath, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { isDeepStrictEqual } from "node:util";
import type { HearthClient } from "../../src/client/client.ts";
import { isAlive } from "../../src/keeper/testing/bed.ts";
import { eventually } from "../support/eventually.ts";
import { RunningHost, Watched } from "../support/running-host.ts";
import { ScreenViewer } from "../support/screen-viewer.ts";

describe("a terminal in a person's hands", () => {
  let host: RunningHost;
  let client: HearthClient;
  let home: string;
  let session_id: string;
  before(async () => {
    home = await realpath(await mkdtemp(join(tmpdir(), "hearth-home-")));
    await mkdir(join(home, "work/sub/deep er"), { recursive: true });
    await mkdir(join(home, "beside"));
    await symlink(join(home, "beside"), join(home, "work/leads-out"));
    host = await RunningHost.start({ HOME: home, SHELL: "/bin/sh" });
    client = await host.client();
    ({ session_id } = await client.call("session.create", { workspace: join(home, "work") }));
  });
  after(async () => {
    await host[Symbol.asyncDispose]();
    await rm(home, { recursive: true, force: true });
  });
  const open = async (name: string) =>
    (await client.call("terminal.open", { session_id, name, rows: 24, cols: 80 })).terminal_id;
  const drop = async (terminal: string, name: string, text: string) => {
    const query = new URLSearchParams({ path: name, terminal });
    const headers = { "content-type": "application/octet-stream" };
    const answer = await host.fetch(`/api/sessions/${session_id}/files?${query}`, {
      method: "PUT",
      headers,
      body: text,
    });
    return (await answer.json()) as { path: string; place: string; note: string | null; reason?: string };
  };

  it("A21: a file dropped on it lands where its shell is, and never outside of the workspace", async () => {
    const id = await open("drop");
    using viewer = await ScreenViewer.open(host, id);
    const go = async (command: string, says: string) => {
      viewer.type(`${command}; echo ${says.slice(0, 2)}''${says.slice(2)}\r`);
      await viewer.shows(new RegExp(`${says}$`)); // perhaps behind a prompt: keys may come before it
    };
    assert.equal((await drop(id, "a.txt", "at the top")).path, "a.txt");
    await go("cd 'sub/deep er'", "deeper");
    const there = await drop(id, "b.txt", "where it is");
    assert.deepEqual([there.path, there.note], ["sub/deep er/b.txt", null]);
    assert.equal(await readFile(join(home, "work/sub/deep er/b.txt"), "utf8"), "where it is");
    // What is in the foreground decides: another shell, in another directory.
    viewer.type("sh\r");
    await go("cd ..", "inner");
    assert.equal((await drop(id, "c.txt", "inner")).place, join(home, "work/sub/c.txt"));
    viewer.type("exit\r");
    await go(":", "outer");
    assert.equal((await drop(id, "d.txt", "outer")).path, "sub/deep er/d.txt");
    for (const outside of [join(home, "work/leads-out"), "/"]) {
      await go(`cd ${outside}`, `in-${outside.length}`);
      const name = `out${outside.length}.txt`;
      const sent = await drop(id, name, "x");
      assert.equal(sent.path, name);
      assert.match(sent.note ?? "", /outside of the workspace, so it went into the workspace/);
    }
    await go(`cd ${home}/work; mkdir gone; cd gone; rmdir ../gone`, "removed");
    assert.match((await drop(id, "e.txt", "x")).note ?? "", /cannot be told/);
    assert.equal((await drop(id, "../f.txt", "x")).reason, "path_refused");
    await assert.rejects(readFile(join(home, "f.txt")));
  });

  it("T1: its title is the host's: every client hears of it, the next shell and the next host keep it", async () => {
    const id = await open("named");
    using watched = new Watched(client, session_id);
    const titleOf = async (name: string) =>
      (await client.call("terminal.list", { session_id })).terminals.find((row) => row.name === name)?.title;
    const renamed = await client.call("terminal.rename", { terminal_id: id, title: "  build & test " });
    assert.equal(renamed.title, "build & test");
    await watched.seen("terminal.renamed");
    assert.deepEqual(watched.of("terminal.renamed")[0]?.payload, { terminal_id: id, title: "build & test" });
    const { processes } = await client.call("process.list", { session_id, terminals: true });
    assert.equal(processes.find((row) => row.process_id === id)?.name, "build & test");
    await host.kill9();
    await host.restart();
    client = await host.client();
    assert.equal(await titleOf("named"), "build & test");
    const again = await client.call("terminal.open", { session_id, name: "named", restart: true });
    assert.deepEqual([again.existed, again.title], [false, "build & test"]);
    await client.call("terminal.rename", { terminal_id: again.terminal_id, title: " " });
    assert.equal(await titleOf("named"), null);
    await assert.rejects(client.call("terminal.rename", { terminal_id: "term_000000000000", title: "x" }), {
      reason: "terminal_not_found",
    });
  });

  it("T10: what runs in it is told before it is ended, and nothing is told of a shell that waits", async () => {
    const id = await open("busy");
    using viewer = await ScreenViewer.open(host, id);
    viewer.type("echo rea''dy\r");
    await viewer.shows(/^ready/);
    const inside = async () => (await client.call("terminal.inside", { terminal_id: id })).processes;
    assert.deepEqual(await inside(), []);
    // One in the background, one that left its parent and its terminal, one in the foreground.
    viewer.type("sleep 1001 & (setsid sleep 1002 &) ; echo sta''rted; exec sleep 1003\r");
    await viewer.shows(/^started/);
    const commands = async () => (await inside()).map((one) => one.command).sort();
    // One that has been forked has another name until it is what it is to be.
    await eventually("both are what they are to be", async () =>
      isDeepStrictEqual(await commands(), ["sleep 1001", "sleep 1002"]),
    );
    const pids = (await inside()).map((one) => one.pid);
    await client.call("terminal.close", { terminal_id: id });
    for (const pid of pids) assert.equal(await isAlive(pid), false);
  });

  it("T10: `hearth kill` shows a person what runs in a terminal and asks; a script is not asked", async () => {
    const id = await open("kill");
    const there = async () =>
      (await client.call("terminal.list", { session_id })).terminals.some((row) => row.terminal_id === id);
    await client.call("terminal.input", { terminal_id: id, data: "sleep 1004\r" });
    let count = 0;
    while (count === 0) count = (await client.call("terminal.inside", { terminal_id: id })).processes.length;
    const env = { HEARTH_HOME: host.home, HEARTH_CONFIG: join(host.home, "config.toml"), NO_COLOR: "1" };
    const hearth = [process.execPath, "--disable-warning=ExperimentalWarning", "src/cli/start.mjs"];
    const asked = await client.call("process.start", {
      ...{ argv: [...hearth, "kill", id], mode: "pty", cwd: process.cwd(), env },
    });
    {
      using person = await ScreenViewer.open(host, asked.process_id);
      await person.shows(/End it\? \[y\/N\]/);
      await person.shows(/sleep 1004/);
      person.type("\r");
      const { exit_code } = await client.call("process.wait", { process_id: asked.process_id, timeout: 60 });
      assert.deepEqual([exit_code, await there()], [0, true]);
    }
    const script = await client.call("process.start", {
      ...{ argv: [...hearth, "kill", id], mode: "pipe", cwd: process.cwd(), env },
    });
    const end = await client.call("process.wait", { process_id: script.process_id, timeout: 60 });
    assert.deepEqual([end.exit_code, await there()], [0, false]);
  });

  it("F49: of a line that is too long the answer says how much was taken, on every way in", async () => {
    const id = await open("long");
    using viewer = await ScreenViewer.open(host, id);
    viewer.type("cat > lines; echo wri''tten\r");
    await viewer.shows(/cat > lines/);
    while (!(await runs(id, "cat"))) await viewer.until(() => true, "");
    const long = "x".repeat(10_000);
    const { bytes } = await client.call("terminal.input", { terminal_id: id, data: long });
    assert.equal(bytes, 4_095);
    viewer.type("\r");
    viewer.type(`${long}\r`);
    await viewer.until(() => viewer.error !== undefined, "what was not taken");
    assert.match(viewer.error ?? "", /^Only 4095 of 10001 bytes were taken: the program reads lines/);
    // What follows belongs to the same line: the person decides what becomes of it.
    viewer.type("\x15fine\r\x04");
    await viewer.shows(/^written/);
    assert.equal(await readFile(join(home, "work/lines"), "utf8"), `${"x".repeat(4_095)}\nfine\n`);
  });

  it("F49: a megabyte that a viewer pastes into a raw terminal arrives whole, whatever the pace of its program", async () => {
    const id = await open("raw");
    using viewer = await ScreenViewer.open(host, id);
    viewer.type("stty raw -echo; echo re''ady; sleep 1; head -c 3000000 | cat > raw.bin; stty sane; echo wri''tten\r");
    await viewer.shows(/^ready/);
    const text = Array.from({ length: 300_000 }, (_, at) => String(at).padStart(9, "0"))
      .join("\n")
      .padEnd(3_000_000, "z");
    // More than anybody keeps for a program that does not read yet.
    for (let at = 0; at < text.length; at += 50_000) viewer.type(text.slice(at, at + 50_000));
    await viewer.shows(/written/);
    assert.equal(viewer.error, undefined);
    assert.equal((await readFile(join(home, "work/raw.bin"), "utf8")) === text, true);
  });

  const runs = async (id: string, command: string) =>
    (await client.call("terminal.inside", { terminal_id: id })).processes.some((one) => one.command === command);
});
