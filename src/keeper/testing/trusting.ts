// Whom a keeper lets in, what is believed, and what nobody can see.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { readFile } from "node:fs/promises";
import { connect } from "node:net";
import { join } from "node:path";
import { it } from "node:test";
import { eventually } from "../../../test/support/eventually.ts";
import { Link } from "../link.ts";
import { decodeIntent } from "../records.ts";
import type { Child } from "../types.ts";
import { allText, type Bed, isAlive, until } from "./bed.ts";

async function secretOf(child: Child): Promise<string> {
  return decodeIntent(await readFile(join(child.dir, "armed")))?.secret ?? "";
}

export function trusting(bed: () => Bed): void {
  it("serves eight hosts at once", async () => {
    const child = await bed().sh("eight", "read x; echo $x; exit 2");
    const secret = await secretOf(child);
    const links = await Promise.all(Array.from({ length: 8 }, () => Link.open(child.dir, secret, 5_000)));
    const hearing = links.map(({ link }) => {
      const told: string[] = [];
      const over = Promise.withResolvers<string[]>();
      link.listen({
        grew: () => told.push("grew"),
        exited: () => told.push("exited"),
        closed: () => told.push("closed"),
        lived: () => undefined,
        gone: () => over.resolve(told),
      });
      return over.promise;
    });
    await child.write(Buffer.from("hello\n"));
    const heard = await Promise.all(hearing);
    for (const told of heard) {
      assert.deepEqual(
        told.filter((word) => word !== "grew"),
        ["exited", "closed"],
      );
      assert.ok(told.includes("grew"));
    }
  });

  it("A50: without the secret nobody is let in, the attempts are counted and reported, and the hosts are not disturbed", async () => {
    const child = await bed().sh("guarded", "read x; echo $x");
    const knock = (bytes: Buffer) =>
      new Promise<number>((resolve, reject) => {
        let heard = 0;
        const socket = connect(join(child.dir, "sock"), () => socket.write(bytes));
        socket.on("data", (chunk) => (heard += chunk.length));
        socket.on("error", reject);
        socket.on("close", () => resolve(heard));
      });
    const wrong = Buffer.concat([Buffer.from([1, 0, 0, 0, 64]), Buffer.alloc(64, "f")]);
    const withoutHello = Buffer.from([6, 0, 0, 0, 9, 0, 0, 0, 1, 9, 0, 0, 0, 1]);
    const tooLong = Buffer.from([1, 0xff, 0xff, 0xff, 0xff]);
    for (const bytes of [wrong, withoutHello, wrong, tooLong]) assert.equal(await knock(bytes), 0);
    await eventually("it is reported", () => bed().warnings.some((text) => /guarded: 3 attempts/.test(text)));
    await child.write(Buffer.from("undisturbed\n"));
    assert.equal(await allText(child), "undisturbed\n");
  });

  it("A50: strangers who say nothing do not keep a host out", async () => {
    const child = await bed().sh("crowd", "read x");
    const crowd = Array.from({ length: 40 }, () => connect(join(child.dir, "sock")).on("error", () => undefined));
    const { link } = await Link.open(child.dir, await secretOf(child), 5_000);
    link.close();
    for (const socket of crowd) socket.destroy();
    await child.kill({ graceMs: 100 });
  });

  it("A51: an exit record that the child forged is not believed", async () => {
    const forge =
      "printf 'kind=exited\\ncode=0\\ncore=0\\nended=1\\nbytes=0\\nmac=%064d\\nend\\n' 0 > ../children/forger/exit";
    const child = await bed().sh("forger", `${forge}; echo done; read x`);
    await until(child, "done");
    process.kill(child.live?.keeperPid ?? 0, "SIGKILL");
    assert.deepEqual(await child.exited, { kind: "lost", reason: "status_untrusted" });
    assert.equal(await isAlive(child.live?.pid ?? 0), false);
  });

  it("a keeper that is asked to end by TERM ends its tree and records the truth", async () => {
    const child = await bed().sh("asked", "trap 'exit 12' TERM; echo ready; while :; do sleep 0.05; done");
    await until(child, "ready");
    process.kill(child.live?.keeperPid ?? 0, "SIGTERM");
    const end = await child.exited;
    assert.equal(end.kind === "exited" && end.code, 12);
  });

  it("a keeper outlives its launcher, and a dead launcher is replaced", async () => {
    const child = await bed().sh("outlives", "read x; echo $x");
    const before = bed().keepers.launcherPid ?? 0;
    process.kill(before, "SIGKILL");
    const next = await bed().sh("next", "echo next");
    assert.equal(await allText(next), "next\n");
    assert.notEqual(bed().keepers.launcherPid, before);
    await child.write(Buffer.from("here\n"));
    assert.equal(await allText(child), "here\n");
  });

  it("A42: nothing secret stands on a command line or in the environment of launcher and keeper", async () => {
    const child = await bed().sh("quiet", "read x");
    const secret = await secretOf(child);
    for (const pid of [child.live?.keeperPid, bed().keepers.launcherPid]) {
      // Who may not even look sees nothing: a keeper is closed to everyone but root.
      const look = (file: string) => readFile(`/proc/${pid}/${file}`, "utf8").catch(() => "");
      const seen = await Promise.all([look("cmdline"), look("environ")]);
      assert.ok(!seen.join().includes(secret));
      assert.equal(seen[1], "");
    }
    const lister = spawn("ps", ["-eo", "args"], { stdio: ["ignore", "pipe", "ignore"] });
    let listed = "";
    for await (const chunk of lister.stdout) listed += String(chunk);
    assert.ok(!listed.includes(secret));
    await child.kill({ graceMs: 100 });
  });
}
