import assert from "node:assert/strict";
import { chmod, mkdir, readdir, readFile, readlink, stat, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import fc from "fast-check";
import { call, context, temporaryDirectory } from "../../test/support/tool-call.ts";
import { Keepout } from "./paths.ts";
import { difference, writeFileTool } from "./write-file.ts";

const tool = writeFileTool(new Keepout(undefined));
let home: Awaited<ReturnType<typeof temporaryDirectory>>;
const at = (name: string): string => join(home.path, name);
const write = (path: string, content: string) => call(tool, { path, content }, context(home.path));

before(async () => {
  home = await temporaryDirectory();
});
after(() => home[Symbol.asyncDispose]());

describe("write_file", () => {
  it("creates a file with the directories above it and says so", async () => {
    assert.deepEqual(await write("a/b/new.txt", "one\ntwo\n"), {
      status: "ok",
      result: "Created a/b/new.txt: 2 lines, 8 bytes",
    });
    assert.equal(await readFile(at("a/b/new.txt"), "utf8"), "one\ntwo\n");
    assert.deepEqual(await readdir(at("a/b")), ["new.txt"], "nothing else is left");
  });

  it("replaces a file, keeps its mode, and says which lines changed", async () => {
    await writeFile(at("run.sh"), "one\ntwo\nthree\n");
    await chmod(at("run.sh"), 0o751);
    const outcome = await write("run.sh", "one\n2\n2b\nthree\n");
    assert.equal(outcome.result, "Changed run.sh: line 2 replaced by 2 lines; 15 bytes now, 14 before");
    assert.equal((await stat(at("run.sh"))).mode & 0o7777, 0o751);
    assert.match((await write("run.sh", "one\n2\n2b\nthree\n")).result, /nothing changed/);
  });

  it("writes through a link, also one whose target is not there yet", async () => {
    await mkdir(at("real"));
    await symlink("real/target", at("link"));
    await write("link", "first");
    assert.equal(await readlink(at("link")), "real/target");
    assert.equal(await readFile(at("real/target"), "utf8"), "first");
    await write("link", "second");
    assert.equal(await readlink(at("link")), "real/target");
    assert.equal(await readFile(at("real/target"), "utf8"), "second");
    await symlink("circle-b", at("circle-a"));
    await symlink("circle-a", at("circle-b"));
    await assert.rejects(write("circle-a", "x"), /too many links/);
  });

  it("A23: refuses what is no regular file", async () => {
    await mkdir(at("folder"), { recursive: true });
    await assert.rejects(write("folder", "x"), /is a directory/);
    await assert.rejects(write("/dev/null", "x"), /is a device/);
    await assert.rejects(write("with\0nul", "x"), /NUL/);
  });

  it("A42: keeps away from the host's own directory, also for files that are not there yet", async () => {
    const careful = writeFileTool(new Keepout(at("state")));
    await mkdir(at("state"));
    await symlink(at("state"), at("elsewhere"));
    for (const path of ["state/token", "elsewhere/deep/er/file", "a/../state/x"]) {
      await assert.rejects(call(careful, { path, content: "x" }, context(home.path)), /belongs to Hearth/);
    }
  });

  it("A31: keeps away from the settings, which decide what is asked about, also through a link", async () => {
    await mkdir(at("settings"));
    await symlink(at("settings"), at("way"));
    const careful = writeFileTool(new Keepout(at("state"), at("way/config.toml")));
    for (const path of ["settings/config.toml", "way/config.toml"])
      await assert.rejects(
        call(careful, { path, content: 'approvals = "off"' }, context(home.path)),
        /belongs to Hearth/,
      );
    await writeFile(at("settings/config.toml"), 'approvals = "ask"');
    await symlink(at("settings/config.toml"), at("innocent"));
    for (const path of ["settings/config.toml", "innocent"])
      await assert.rejects(
        call(careful, { path, content: 'approvals = "off"' }, context(home.path)),
        /belongs to Hearth/,
      );
    assert.equal((await call(careful, { path: "settings/other", content: "x" }, context(home.path))).status, "ok");
  });

  it("A32: refuses when the file has changed since the person was asked", async () => {
    await writeFile(at("contested"), "old");
    const args = { path: "contested", content: "new" };
    const plan = await tool.plan(args, context(home.path));
    await writeFile(at("contested"), "a person's words");
    const outcome = await tool.run(args, context(home.path), plan);
    assert.equal(outcome.status, "failed");
    assert.match(outcome.result, /changed by someone else/);
    assert.equal(await readFile(at("contested"), "utf8"), "a person's words");
  });

  it("S10: after a crash, the file says whether the write has happened", async () => {
    const args = { path: "crashed", content: "new" };
    await writeFile(at("crashed"), "old");
    const ctx = context(home.path);
    const plan = await tool.plan(args, ctx);
    assert.equal(await tool.recover?.(args, ctx, plan), undefined, "not yet: it is to be run");
    assert.equal((await tool.run(args, ctx, plan)).status, "ok");
    const done = await tool.recover?.(args, ctx, plan);
    assert.equal(done?.status, "ok");
    await writeFile(at("crashed"), "something else");
    assert.equal((await tool.recover?.(args, ctx, plan))?.status, "unknown");
    assert.equal(await readFile(at("crashed"), "utf8"), "something else");
  });

  it("S10: a new file too, and what a crash has left beside it is removed", async () => {
    const args = { path: "deep/down/fresh", content: "text" };
    const ctx = context(home.path, { callId: "call_crash" });
    const plan = await tool.plan(args, ctx);
    assert.equal(plan.before, null);
    assert.equal(await tool.recover?.(args, ctx, plan), undefined);
    assert.equal((await tool.run(args, ctx, plan)).status, "ok");
    assert.equal((await tool.recover?.(args, ctx, plan))?.status, "ok");
    assert.deepEqual(await readdir(at("deep/down")), ["fresh"]);
  });

  it("S6: asks, and shows the path and the size; outside the workspace it says so", async () => {
    const plan = await tool.plan({ path: "x.txt", content: "hello" }, context(home.path));
    assert.equal(plan.preview, "Create x.txt (5 bytes)");
    assert.deepEqual(plan.approval, { reason: "Writes a file", dangerous: false });
    const outside = await tool.plan({ path: "../outside-of-it.txt", content: "" }, context(at("a")));
    assert.equal(outside.approval?.reason, "Writes a file outside the workspace");
    const ssh = await tool.plan({ path: "~/.ssh/authorized_keys", content: "" }, context(home.path));
    assert.equal(ssh.approval?.dangerous, true);
    assert.equal(ssh.grantKey, undefined);
  });

  it("says where two texts differ so that the other can be made of the one", () => {
    const text = fc.array(fc.constantFrom("a\n", "b\n", "c\n"), { maxLength: 8 }).map((lines) => lines.join(""));
    fc.assert(
      fc.property(text, text, (old, now) => {
        fc.pre(old !== now);
        const told = difference(old, now);
        const lines = now.match(/[^\n]*\n/g) ?? [];
        const before = old.match(/[^\n]*\n/g) ?? [];
        const added = Number(
          /(\d+) lines? added|by (\d+) lines?/
            .exec(told)
            ?.slice(1)
            .find((n) => n) ?? 0,
        );
        const range = /lines? (\d+)(?:-(\d+))? (?:replaced|removed)/.exec(told);
        const from = range ? Number(range[1]) - 1 : Number(/after line (\d+)/.exec(told)?.[1]);
        const removed = range ? Number(range[2] ?? range[1]) - from : 0;
        assert.equal(
          [...before.slice(0, from), ...lines.slice(from, from + added), ...before.slice(from + removed)].join(""),
          now,
        );
      }),
    );
  });
});
