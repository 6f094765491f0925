import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { HearthClient } from "../../src/client/client.ts";
import { RunningHost } from "../support/running-host.ts";
import { ScreenViewer } from "../support/screen-viewer.ts";

describe("terminals that many watch", () => {
  let host: RunningHost;
  let client: HearthClient;
  let session_id: string;
  before(async () => {
    host = await RunningHost.start({ SHELL: "/bin/sh" });
    client = await host.client();
    ({ session_id } = await client.call("session.create", {}));
  });
  after(() => host[Symbol.asyncDispose]());
  async function open(name: string): Promise<string> {
    const { terminal_id } = await client.call("terminal.open", { session_id, name, rows: 24, cols: 80 });
    return terminal_id;
  }
  const type = (id: string, data: string) => client.call("terminal.input", { terminal_id: id, data });

  it("T7: the one who does not read keeps nobody waiting, may press Ctrl-C, and ends on the right screen", async () => {
    const [flooded, other] = [await open("flooded"), await open("other")];
    using first = await ScreenViewer.open(host, flooded);
    let slow = first;
    await slow.until(() => slow.live, "live screen");
    await type(flooded, `yes '${"no end of it ".repeat(20)}'\r`);
    await slow.until(() => slow.bytes > 100_000, "the flood");
    slow.pause();
    const before = slow.bytes;
    using elsewhere = await ScreenViewer.open(host, other);
    elsewhere.type("echo still $((40 + 2))\r");
    await elsewhere.shows(/^still 42/);
    using counts = await ScreenViewer.open(host, flooded);
    counts.blind = true;
    // More than the system's buffers take for who does not read: up to 32 MiB here and 4 MiB there.
    await counts.until(() => counts.offset > 48_000_000, "much of the flood", 60_000);
    using fast = await ScreenViewer.open(host, flooded);
    slow.type("\x03");
    // By the prompt, not by the "^C": a terminal that is full when the signal comes may drop its echo.
    const prompt = () => /[#$%>]\s*$/.test(fast.lines().findLast((line) => line.trim() !== "") ?? "");
    await fast.until(prompt, "the end of the flood", 60_000);
    await type(flooded, "echo over $((1 + 1))\r");
    await fast.shows(/^over 2/, 60_000);
    slow.resume();
    // It sees the end soon, whichever way its own pace asks for: a snapshot, or the rest where there is not much of it.
    const broughtUp = () => slow.over || slow.snapshots >= 2 || slow.offset >= fast.offset;
    await slow.until(broughtUp, "a snapshot or the end", 60_000);
    // On a busy machine ten seconds may have passed without a byte taken: then it was cut, and comes again.
    using again = slow.over ? await ScreenViewer.open(host, flooded) : undefined;
    slow = again ?? first;
    await slow.shows(/^over 2/, 60_000);
    await slow.until(() => slow.offset >= fast.offset, "all bytes");
    await fast.until(() => fast.offset >= slow.offset, "all bytes");
    assert.ok(first.bytes - before < 64_000_000, "not by all that was printed");
    using late = await ScreenViewer.open(host, flooded);
    await late.until(() => late.live && late.offset === slow.offset, "the same bytes");
    assert.deepEqual(slow.lines(), late.lines());
    assert.deepEqual(fast.lines(), late.lines());
  });

  it("F42: what would freeze an emulator keeps neither the host nor other screens waiting", async () => {
    const [poisoned, other] = [await open("poisoned"), await open("well")];
    const sequences = "a\\033[2147483647b\\033[2147483647L\\033[2147483647S\\033[2147483647T";
    const steps = [
      `i=0; while [ $i -lt 200 ]; do printf '${sequences}'; i=$((i+1)); done`,
      "printf '\\033]0;'; head -c 20000000 /dev/zero | tr '\\0' x; printf '\\007'",
      "printf e; m=$(printf '\\314\\201\\314\\201\\314\\201\\314\\201'); yes $m$m$m$m | tr -d '\\n' | head -c 20000000",
      "echo; echo sound $((2 * 21))",
    ];
    await type(poisoned, `${steps.join("; ")}\r`);
    using elsewhere = await ScreenViewer.open(host, other);
    for (let at = 1000; at < 1010; at++) {
      elsewhere.type(`echo $((${at} + 1000))\r`);
      await elsewhere.shows(new RegExp(`^${at + 1000}$`));
    }
    using viewer = await ScreenViewer.open(host, poisoned);
    await viewer.shows(/^sound 42/);
    using again = await ScreenViewer.open(host, poisoned);
    await again.shows(/^sound 42/);
    assert.deepEqual([again.snapshots, again.replays], [1, 0]);
    assert.equal(host.complaints.includes("hangs"), false);
  });

  it("F51: however often somebody comes to a screen full of questions, nothing is typed into the shell", async () => {
    const id = await open("questions");
    const questions = '\\033[c\\033[>c\\033[5n\\033[6n\\033[?6n\\033[18t\\033]10;?\\007\\033P$q"p\\033\\\\';
    await type(id, `stty -echo; printf '${questions}'; cat -v\r`);
    using first = await ScreenViewer.open(host, id);
    await first.until(() => first.live, "live screen");
    for (let at = 0; at < 100; at++) {
      using came = await ScreenViewer.open(host, id);
      await came.until(() => came.live, "live screen");
    }
    first.type("typed\r");
    await first.shows(/typed$/);
    assert.equal(
      first.lines().some((line) => line.includes("^[")),
      false,
    );
  });

  it("T8: the last who typed or took over decides the size; the others are told", async () => {
    const id = await open("sizes");
    using one = await ScreenViewer.open(host, id);
    using two = await ScreenViewer.open(host, id);
    one.say({ type: "resize", rows: 30, cols: 100 });
    await two.until(() => two.emulator.size.cols === 100, "the first size");
    await one.until(() => one.yours, "the size is one's own");
    two.say({ type: "resize", rows: 20, cols: 60 });
    one.say({ type: "resize", rows: 31, cols: 101 });
    await two.until(() => two.emulator.size.cols === 101, "the size of the one who has it");
    assert.equal(two.yours, false);
    two.type("stty size\r");
    await one.until(() => one.emulator.size.cols === 60, "the size of who typed");
    await one.shows(/^20 60/);
    assert.deepEqual([one.yours, two.yours], [false, true]);
    // What an emulator answers by itself is no typing.
    one.type("\x1b[?1;2c");
    two.type("stty size; echo again\r");
    await one.shows(/^again/);
    assert.deepEqual([one.yours, two.yours], [false, true]);
    one.say({ type: "take" });
    await two.until(() => two.emulator.size.rows === 31, "the size of who took over");
    await one.until(() => one.yours, "the size is one's own again");
  });

  it("F49, T5: a megabyte pasted into a raw terminal arrives whole, and the reply says how much was taken", async () => {
    const id = await open("paste");
    using viewer = await ScreenViewer.open(host, id);
    viewer.type("stty raw -echo; echo ready; head -c 1000000 | cksum; stty sane\r");
    // Before the terminal is raw the kernel would take one line of 4,095 bytes and no more.
    await viewer.shows(/^ready/);
    const { bytes } = await type(id, "p".repeat(1_000_000));
    assert.equal(bytes, 1_000_000);
    await viewer.shows(/\b1000000\s*$/);
  });

  it("T16: a shell is among the processes where they are asked for, and can be killed like one", async () => {
    const id = await open("listed");
    const { processes } = await client.call("process.list", { session_id, terminals: true });
    const row = processes.find(({ process_id }) => process_id === id);
    assert.partialDeepStrictEqual(row, { owner: "person", name: "listed", mode: "pty", status: "running", session_id });
    assert.equal((await client.call("process.list", { session_id })).processes.length, 0);
    const killed = await client.call("process.kill", { process_id: id });
    assert.deepEqual([killed.status, killed.process.status], ["killed", "killed"]);
    const { terminals } = await client.call("terminal.list", { session_id });
    assert.equal(
      terminals.some(({ terminal_id }) => terminal_id === id),
      false,
    );
  });
});

describe("a terminal that has printed more than is kept", () => {
  it("T9: who comes back to an offset that is gone is shown the screen, and then what comes", async () => {
    await using host = await RunningHost.start({ SHELL: "/bin/sh", HEARTH_PROCESSES_SPOOL_BYTES: "1 MiB" });
    const client = await host.client();
    const { session_id } = await client.call("session.create", {});
    const { terminal_id } = await client.call("terminal.open", { session_id, rows: 24, cols: 80 });
    using stays = await ScreenViewer.open(host, terminal_id);
    stays.blind = true;
    stays.type("yes | head -c 4000000; echo over $((1 + 1))\r");
    await stays.until(() => stays.offset > 4_000_000, "the flood", 60_000);
    using back = await ScreenViewer.open(host, terminal_id, 0);
    await back.shows(/^over 2/, 60_000);
    assert.deepEqual([back.error, back.snapshots > 0, back.over], [undefined, true, false]);
    back.type("echo goes on $((1 + 2))\r");
    await back.shows(/^goes on 3/);
  });
});
