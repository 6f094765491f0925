import assert from "node:assert/strict";
import { access, readFile, utimes, writeFile } from "node:fs/promises";
import path from "node:path";
import { describe, it } from "node:test";
import { eventually } from "../../test/support/eventually.ts";
import { LoginEnvironment, parseEnvironment } from "./login-environment.ts";
import { SmallHost } from "./testing/small-host.ts";

async function profile(host: SmallHost, text: string): Promise<void> {
  const file = path.join(host.userHome, ".bash_profile");
  await writeFile(file, text);
  // Two edits within one tick of the clock would look like one.
  const when = Date.now() / 1000 + text.length;
  await utimes(file, when, when);
}
function reader(host: SmallHost, limitMs = 60_000, leaving = new AbortController().signal) {
  const login = new LoginEnvironment({ keepers: host.keepers, onWarning: host.warn, leaving, limitMs });
  return { login, read: () => login.get("/bin/bash", host.base) };
}

describe("the login shell's environment", () => {
  it("P1: is read once, and again when a profile file changes or someone asks for it", async () => {
    await using host = await SmallHost.start();
    const counting = "echo run >> $HOME/runs; export RUNS=$(wc -l < $HOME/runs)\n";
    await profile(host, counting);
    const { login, read } = reader(host);
    const [one, two] = await Promise.all([read(), read()]);
    assert.deepEqual([one.environment?.RUNS, two.environment?.RUNS], ["1", "1"]);
    assert.equal((await read()).environment?.RUNS, "1");
    await profile(host, `# changed\n${counting}`);
    assert.equal((await read()).environment?.RUNS, "2");
    login.refresh();
    assert.equal((await read()).environment?.RUNS, "3");
  });
  it("P1: a profile that hangs, fails or replaces the shell costs its limit once and is said in words", async () => {
    await using host = await SmallHost.start();
    const cases: [string, RegExp, number][] = [
      ["sleep 300\n", /took longer than 0.3 s/, 300],
      ["exit 3\n", /ended with 3/, 60_000],
      ["exec true\n", /ended with 0/, 60_000],
    ];
    for (const [text, why, limitMs] of cases) {
      await profile(host, text);
      const { read } = reader(host, limitMs);
      const login = await read();
      assert.equal(login.environment, null);
      assert.match(login.problem ?? "", why);
      assert.equal(await read(), login);
    }
    assert.equal(host.warnings.filter((text) => /could not be read/.test(text)).length, cases.length);
  });
  it("P1: what it has printed is read before it is forgotten, however late it is read", async () => {
    await using host = await SmallHost.start();
    await profile(host, "export A=1\n");
    const done: string[] = [];
    const { start, forget } = host.keepers;
    host.keepers.start = async (spec) => {
      const child = await start.call(host.keepers, spec);
      const { read } = child.spool;
      child.spool.read = async (...range) => {
        await child.closed;
        await new Promise((resolve) => setImmediate(resolve));
        done.push("read");
        return await read.apply(child.spool, range);
      };
      return child;
    };
    host.keepers.forget = async (id) => {
      done.push("forgotten");
      await forget.call(host.keepers, id);
    };
    assert.equal((await reader(host).read()).environment?.A, "1");
    await eventually("it is forgotten", () => done.includes("forgotten"));
    assert.deepEqual([done[0], done.at(-1)], ["read", "forgotten"]);
  });
  it("P1: a profile's noise, also without a line end, is no variable", async () => {
    await using host = await SmallHost.start();
    await profile(host, "printf 'A=1\\nno line end'; printf '\\0B=2\\0'; export MULTI='a\nb'\n");
    const { environment } = await reader(host).read();
    assert.deepEqual([environment?.A, environment?.B, environment?.MULTI], [undefined, undefined, "a\nb"]);
    assert.deepEqual(host.warnings, []);
  });
  it("P1: an unfinished list is none", () => {
    assert.equal(parseEnvironment(Buffer.from("\nmark\nA=1\0B=2"), "mark"), null);
    assert.equal(parseEnvironment(Buffer.from("A=1\0"), "mark"), null);
    assert.deepEqual(parseEnvironment(Buffer.from("x\nmark\nA=1\0B=\0"), "mark"), { A: "1", B: "" });
  });
  it("P1: a keeper that is stopped while it reads costs the limit, and holds up no start", async () => {
    await using host = await SmallHost.start();
    await profile(host, "echo $PPID > $HOME/keeper; sleep 300\n");
    const reading = reader(host, 300).read();
    const keeperOf = () => readFile(path.join(host.userHome, "keeper"), "utf8").catch(() => "");
    let keeper = "";
    await eventually("the profile is read", async () => {
      keeper = await keeperOf();
      return /^\d+\n$/.test(keeper);
    });
    process.kill(Number(keeper), "SIGSTOP");
    try {
      assert.match((await reading).problem ?? "", /took longer than 0.3 s/);
    } finally {
      process.kill(Number(keeper), "SIGCONT");
    }
  });
  it("P1: leaves no files behind, also when the host dies while it reads", async () => {
    await using host = await SmallHost.start();
    await profile(host, "echo reading > $HOME/reading; sleep 300\n");
    const leaving = new AbortController();
    const reading = reader(host, 60_000, leaving.signal).read();

    const there = () =>
      access(path.join(host.userHome, "reading")).then(
        () => true,
        () => false,
      );
    await eventually("the profile is read", there);
    leaving.abort();
    assert.match((await reading).problem ?? "", /stopping/);
    await host.down();
    await host.up();
    await eventually("its files are gone", async () => (await host.keepers.adopt()).length === 0);
  });
});
