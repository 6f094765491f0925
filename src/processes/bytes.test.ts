import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { after, before, describe, it } from "node:test";
import { SmallHost } from "./testing/small-host.ts";

/** All 256 values, a character cut in half, one too long, one that is a surrogate, NULs, and a byte order mark. */
const HOSTILE = Buffer.concat([
  Buffer.from(Array.from({ length: 256 }, (_, n) => n)),
  Buffer.from([0xe2, 0x82, 0x0a, 0xc0, 0xaf, 0x0a, 0xed, 0xa0, 0x80, 0x0a, 0, 0, 0, 0x0a, 0xef, 0xbb, 0xbf, 0x0a]),
  Buffer.from("ende 🙂\n"),
]);

describe("bytes that are not text", () => {
  let host: SmallHost;
  before(async () => {
    host = await SmallHost.start();
    await writeFile(path.join(host.home, "hostile"), HOSTILE);
  });
  after(() => host[Symbol.asyncDispose]());

  async function spoolOf(id: string): Promise<Buffer> {
    const { spool } = host.processes.attach(id);
    while (!spool.ended) await spool.grown(spool.length, AbortSignal.timeout(60_000));
    return Buffer.from((await spool.read(0, 1 << 20)).bytes);
  }

  it("F35, P9: are in the spool as they were written, and in texts as U+FFFD; what can be read is found", async () => {
    const row = await host.processes.start({
      ...{ owner: "agent", session_id: "ses_35", notify_on_complete: true },
      watch_patterns: ["🙂", { regex: "^ende" }, { regex: "\ufffd" }],
      argv: ["cat", path.join(host.home, "hostile")],
    });
    const { process_id } = row;
    const { output } = await host.processes.wait(process_id, {});
    assert.deepEqual(await spoolOf(process_id), HOSTILE);
    const page = await host.processes.log(process_id, { limit: 5 });
    for (const text of [output, page.output, (await host.processes.poll(process_id)).output]) {
      assert.ok(text.isWellFormed());
      assert.match(text, /\ufffd[\s\S]*ende 🙂\n?$/);
    }
    const notices = await host.events("session/ses_35", "notice");
    assert.deepEqual(
      notices.map(({ payload }) => payload.kind),
      ["matched", "ended"],
    );
    assert.ok(notices.every(({ payload }) => payload.text.isWellFormed()));
    const [matched] = await host.events("session/ses_35", "process.matched");
    assert.equal(matched?.payload.lines.at(-1), "ende 🙂");
  });
  it("F35: reach standard input as they were sent, lone surrogates as U+FFFD", async () => {
    const out = path.join(host.home, "heard");
    const row = await host.processes.start({ owner: "person", argv: ["sh", "-c", `cat > ${out}`] });
    const { process_id } = row;
    assert.equal(await host.processes.write(process_id, HOSTILE), HOSTILE.length);
    const lone = JSON.parse('"a\\ud800b\\udc00"') as string;
    await host.processes.submit(process_id, lone);
    await host.processes.closeInput(process_id);
    await host.processes.wait(process_id, {});
    assert.deepEqual(await readFile(out), Buffer.concat([HOSTILE, Buffer.from("a\ufffdb\ufffd\n")]));
  });
  it("F35: in the words of a start do not break what is recorded of it", async () => {
    const lone = JSON.parse('"a\\ud800b"') as string;
    const row = await host.processes.start({
      ...{ owner: "agent", session_id: "ses_lone", name: lone, routing: { chat: lone } },
      argv: ["echo", lone],
    });
    assert.equal((await host.processes.wait(row.process_id, {})).output, "a\ufffdb\n");
    await host.down();
    await host.up();
    const found = host.processes.get(row.process_id);
    assert.deepEqual([found.status, found.exit_code, found.name?.length], ["exited", 0, 3]);
  });
});
