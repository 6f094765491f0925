import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { chosen, findIds, type Named } from "./find-id.ts";

const row = (process_id: string, name: string | null = null, status = "running"): Named => ({
  process_id,
  name,
  status,
});

describe("which process a word means", () => {
  const rows = [
    row("proc_aaaa00000001", "web", "exited"),
    row("proc_aaaa00000002", "web"),
    row("proc_bbbb00000003", "old", "exited"),
    row("proc_cccc00000004", "proc_bbbb"),
    row("term_dddd00000005", "main"),
    row("term_dddd00000006", "main"),
    row("own-id"),
  ];

  it("P36: an id, a name, or the beginning of an id, with its kind or without", () => {
    assert.equal(chosen("proc_aaaa00000001", rows), "proc_aaaa00000001");
    assert.equal(chosen("own-id", rows), "own-id");
    assert.equal(chosen("old", rows), "proc_bbbb00000003");
    assert.equal(chosen("proc_c", rows), "proc_cccc00000004");
    assert.equal(chosen("cc", rows), "proc_cccc00000004");
  });

  it("P36: what runs comes before what has ended, and a name before the beginning of an id", () => {
    assert.equal(chosen("web", rows), "proc_aaaa00000002");
    assert.equal(chosen("aaaa", rows), "proc_aaaa00000002");
    assert.equal(chosen("proc_bbbb", rows), "proc_cccc00000004");
  });

  it("P36: of several that run none is taken", () => {
    assert.throws(() => chosen("main", rows), /2 are meant by "main": term_dddd00000005, term_dddd00000006/);
    assert.throws(() => chosen("term_", rows), /Say which/);
    assert.throws(
      () =>
        chosen(
          "proc_",
          Array.from({ length: 9 }, (_, at) => row(`proc_${at}`)),
        ),
      /9 are .*, …\./,
    );
  });

  it("P36: what fits nothing is the host's to refuse, and a whole id needs no host to be found", async () => {
    assert.equal(chosen("nothing", rows), "nothing");
    assert.equal(chosen("", rows), "");
    assert.deepEqual(await findIds("/nonexistent", ["proc_aaaa00000001", "term_dddd00000005"]), [
      "proc_aaaa00000001",
      "term_dddd00000005",
    ]);
    await assert.rejects(findIds("/nonexistent", ["web"]), /No host runs on/);
  });
});
