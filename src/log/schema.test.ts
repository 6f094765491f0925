import assert from "node:assert/strict";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { after, before, beforeEach, describe, it } from "node:test";
import { openLog } from "./open.ts";
import { migrate, migrations, Unusable, versionOf } from "./schema.ts";

describe("the format of the database", () => {
  let home: string;
  let file: string;
  before(async () => {
    home = await mkdtemp(join(tmpdir(), "hearth-schema-"));
    file = join(home, "hearth.db");
  });
  beforeEach(() => rm(file, { force: true }));
  after(() => rm(home, { recursive: true }));

  it("is brought up to date step by step, from any older version", () => {
    using db = new DatabaseSync(":memory:");
    migrate(db, versionOf(db, "x"));
    assert.equal(versionOf(db, "x"), migrations.length);
    const steps = [...migrations, "CREATE TABLE one (a)", "CREATE TABLE two (a)"];
    migrate(db, versionOf(db, "x", steps), steps);
    assert.equal(versionOf(db, "x", steps), migrations.length + 2);
    db.exec("SELECT * FROM one, two");
  });

  it("stays at the last whole step if one fails", () => {
    using db = new DatabaseSync(":memory:");
    const steps = ["CREATE TABLE one (a)", "CREATE TABLE two (a); nonsense"];
    assert.throws(() => migrate(db, 0, steps));
    assert.equal(versionOf(db, "x", steps), 1);
    assert.throws(() => db.exec("SELECT * FROM two"));
  });

  it("A52: of a newer Hearth is refused, with what to do, and left as it is", async () => {
    {
      await using log = await openLog({ home });
      await log.append("a", [], { views: [{ view: "v", key: "k", value: 1 }] });
    }
    {
      using db = new DatabaseSync(file);
      db.exec(`PRAGMA user_version = ${migrations.length + 1}`);
    }
    const whole = await readFile(file);
    await assert.rejects(openLog({ home }), {
      reason: "storage_failed",
      message: /hearth\.db was written by a newer Hearth .*use that version again/,
    });
    assert.deepEqual(await readFile(file), whole);
  });

  it("of another program is refused", async () => {
    {
      using db = new DatabaseSync(file);
      db.exec("CREATE TABLE recipes (a)");
    }
    await assert.rejects(openLog({ home }), { message: /another program/ });
    using db = new DatabaseSync(file);
    assert.throws(() => versionOf(db, "x"), Unusable);
  });
});
