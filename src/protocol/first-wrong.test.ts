import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type * as z from "zod";
import { firstWrong } from "./first-wrong.ts";
import { methods } from "./methods.ts";

describe("what is wrong with a request", () => {
  const said = (schema: z.ZodType, value: unknown) => firstWrong(schema.safeParse(value).error, "params").sentence;
  const { params } = methods["process.write"];

  it("P17: says that an id is missing, and which", () => {
    assert.equal(said(params, { data: "x" }), "process_id: it is missing");
    assert.equal(said(methods["process.poll"].params, {}), "process_id: it is missing");
  });

  it("P17: says of what may be one of several things which those are", () => {
    assert.match(
      said(params, { process_id: true, data: "x" }),
      /^process_id: wrong: expected string, .* or expected number/,
    );
    assert.match(said(params, { process_id: "p", data: 5 }), /^data: wrong: expected string, .* or expected object/);
    assert.match(said(params, { process_id: "p", data: { base64: "*" } }), /^data(\.base64)?: .*base64/);
  });

  it("P17: leaves the schema's own words where they say it", () => {
    assert.equal(
      said(methods["process.log"].params, { process_id: 1, offset: -1 }),
      "offset: Too small: expected number to be >=0",
    );
    assert.equal(said(methods["process.poll"].params, null), "params: Invalid input: expected object, received null");
  });

  it("P1, P3: names what holds a NUL or, where a variable is named, a =: the system would read something else", () => {
    const start = (params: object) => said(methods["process.start"].params, { command: "true", ...params });
    assert.equal(start({ cwd: "/tmp\0/else" }), "cwd: it cannot contain a NUL");
    assert.equal(start({ command: "echo a\0b" }), "command: it cannot contain a NUL");
    assert.equal(start({ command: undefined, argv: ["a", "b\0"] }), "argv.1: it cannot contain a NUL");
    assert.equal(start({ name: "\0" }), "name: it cannot contain a NUL");
    assert.equal(start({ env: { A: "b\0" } }), "env.A: it cannot contain a NUL");
    assert.match(start({ env: { "A\0": "b" } }), /^env\.A.: it cannot contain a NUL$/);
    assert.equal(start({ env: { "A=B": "c" } }), "env.A=B: the name of a variable cannot contain a =");
    assert.equal(start({ env: { "": "c" } }), "env.: a variable needs a name");
    assert.ok(start({ env: { [`${"A".repeat(100_000)}=`]: "c" } }).length < 300);
    const open = (params: object) => said(methods["terminal.open"].params, { session_id: "ses_1", ...params });
    assert.equal(open({ workspace: "/\0" }), "workspace: it cannot contain a NUL");
    assert.equal(open({ name: "a\0" }), "name: it cannot contain a NUL");
    for (const method of ["session.create", "session.workspace", "prompt.submit"] as const)
      assert.equal(
        said(methods[method].params, { session_id: "ses_1", text: "x", workspace: "/\0" }),
        "workspace: it cannot contain a NUL",
      );
  });
});
