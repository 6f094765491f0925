import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { HostError } from "../protocol/errors.ts";
import { decodeIntent, encodeIntent, type Intent, judgeRecord, toEnd } from "./records.ts";

const text = fc.string({ unit: "grapheme" }).filter((value) => !value.includes("\0"));
const name = text.filter((value) => value !== "" && !value.includes("="));

describe("a child's intent on disk", () => {
  it("comes back as it was written, whatever stands in it", () => {
    const intents = fc.record({
      argv: fc.array(text, { minLength: 1, maxLength: 5 }),
      env: fc.array(fc.tuple(name, text), { maxLength: 5 }),
      cwd: text,
      facts: fc.array(fc.tuple(name, text), { maxLength: 3 }),
    });
    fc.assert(
      fc.property(intents, ({ argv, env, cwd, facts }) => {
        const transport = { argv, env: Object.fromEntries(env), cwd };
        const spec = {
          id: "x",
          argv,
          env: Object.fromEntries(env),
          cwd,
          mode: "pty",
          facts: Object.fromEntries(facts),
          transport,
          startDeadlineMs: 60_000,
        } as const;
        const intent: Intent = { spec, mark: "m", secret: "s", createdAt: 7 };
        const back = decodeIntent(encodeIntent(intent));
        assert.deepEqual(back?.spec.argv, argv);
        assert.deepEqual(Object.entries(back?.spec.env ?? {}), Object.entries(spec.env));
        assert.deepEqual(Object.entries(back?.spec.facts ?? {}), Object.entries(spec.facts));
        assert.deepEqual([back?.spec.transport, back?.spec.startDeadlineMs], [transport, 60_000]);
        assert.deepEqual([back?.spec.cwd, back?.mark, back?.secret, back?.createdAt], [cwd, "m", "s", 7]);
      }),
    );
  });

  it("F29: cut anywhere, it is no intent", () => {
    const spec = { id: "x", argv: ["a", "b"], env: { A: "1" }, cwd: "/", mode: "pipe" } as const;
    const whole = encodeIntent({ spec, mark: "m", secret: "s", createdAt: 7 });
    for (let length = 0; length < whole.length; length++)
      assert.equal(decodeIntent(whole.subarray(0, length)), undefined);
  });

  it("refuses what no operating system can pass on", () => {
    const spec = { id: "x", argv: ["a\0b"], env: {}, cwd: "/", mode: "pipe" } as const;
    const rest = { mark: "m", secret: "s", createdAt: 7 };
    assert.throws(() => encodeIntent({ spec, ...rest }), HostError);
    assert.throws(() => encodeIntent({ spec: { ...spec, argv: [] }, ...rest }), HostError);
  });
});

describe("a record", () => {
  it("says what ended a child, which older ones do not", () => {
    const old = [
      ["kind", "exited"],
      ["code", "3"],
      ["core", "0"],
      ["ended", "9"],
      ["bytes", "5"],
    ] as const;
    const told = { kind: "exited", code: 3, signal: null, core: false, endedAt: 9, bytesAtExit: 5 };
    assert.deepEqual(toEnd(new Map(old)), told);
    assert.deepEqual(toEnd(new Map([...old, ["ended_by", "kill"]])), { ...told, endedBy: "kill" });
    assert.deepEqual(toEnd(new Map([...old, ["ended_by", "what?"]])), told);
  });

  it("P6: quotes a sandbox in one line, and gives its lines back", () => {
    const words = "\uFFFDone\\ntwo \\\\n is no break\\n";
    const fields = new Map([
      ["kind", "lost"],
      ["words", words],
    ]);
    assert.deepEqual(toEnd(fields), { kind: "lost", reason: "transport_gone", words: "one\ntwo \\n is no break" });
  });

  it("F29: is absent while its space is only reserved, torn when cut, forged when it is not the keeper's", () => {
    assert.equal(judgeRecord("exit", Buffer.alloc(4096), "key").state, "absent");
    assert.equal(judgeRecord("exit", Buffer.alloc(0), "key").state, "absent");
    assert.equal(judgeRecord("exit", Buffer.from("code=0\nmac=12"), "key").state, "torn");
    assert.equal(judgeRecord("exit", Buffer.from(`code=0\nmac=${"0".repeat(64)}\nend\n`), "key").state, "forged");
    assert.equal(judgeRecord("exit", Buffer.from("code=0\nend\n"), "key").state, "forged");
  });
});
