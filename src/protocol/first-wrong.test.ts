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
});
