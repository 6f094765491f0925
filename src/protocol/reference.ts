// The reference page, made from the tables that server and clients share, so that it cannot say anything else.
// Written anew with: npm run docs
import * as z from "zod";
import { errors } from "./errors.ts";
import { events } from "./events.ts";
import { methods } from "./methods.ts";

interface Schema {
  type?: string | string[];
  const?: unknown;
  enum?: unknown[];
  anyOf?: Schema[];
  oneOf?: Schema[];
  items?: Schema;
  properties?: Record<string, Schema>;
  required?: string[];
  additionalProperties?: Schema | boolean;
}
const schemaOf = (schema: z.ZodType, io: "input" | "output"): Schema =>
  z.toJSONSchema(schema, { io, unrepresentable: "any" }) as Schema;

/** A schema in a few characters: `{ a, b?: string[] }`. */
function brief(schema: Schema | undefined, depth = 0): string {
  if (schema === undefined) return "any";
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.enum !== undefined) return schema.enum.map((value) => JSON.stringify(value)).join(" | ");
  const choices = schema.anyOf ?? schema.oneOf;
  if (choices !== undefined) {
    // A transformed choice has no schema of its own; what it is made into stands beside it.
    const all = new Set(choices.map((choice) => brief(choice, depth)));
    if (all.size > 1) all.delete("any");
    return [...all].join(" | ");
  }
  if (Array.isArray(schema.type)) return schema.type.join(" | ");
  if (schema.type === "array") return `${wrapped(brief(schema.items, depth))}[]`;
  if (schema.type !== "object") return schema.type ?? "any";
  if (schema.properties === undefined) return typeof schema.additionalProperties === "object" ? "object" : "{}";
  if (depth > 0) return "object";
  return fields(schema);
}
const wrapped = (text: string): string => (text.includes("|") ? `(${text})` : text);

function fields({ properties = {}, required = [] }: Schema): string {
  const all = Object.entries(properties).map(
    ([name, schema]) => `${name}${required.includes(name) ? "" : "?"}: ${brief(schema, 1)}`,
  );
  return all.length === 0 ? "{}" : `{ ${all.join(", ")} }`;
}
const code = (text: string): string => `\`${text}\``;
/** Inside a table a bar would end the cell, also in code. */
const cell = (text: string): string => code(text).replaceAll("|", "\\|");

/** docs/reference.md as Markdown. */
export function reference(): string {
  const methodRows = Object.entries(methods).map(([name, { about, params, result, door }]) => {
    const where = door === "local" ? " *(only over the host's Unix socket)*" : "";
    return `### \`${name}\`\n\n${about}${where}\n\n- takes ${code(brief(schemaOf(params, "input")))}\n- gives ${code(brief(schemaOf(result, "output")))}`;
  });
  const eventRows = Object.entries(events).map(
    ([type, schema]) => `| \`${type}\` | ${cell(brief(schemaOf(schema, "output")))} |`,
  );
  const errorRows = Object.entries(errors).map(
    ([reason, { code: number, status }]) => `| \`${reason}\` | ${number} | ${status} |`,
  );
  return `# Reference

Made from the protocol's own tables in \`src/protocol\`. How requests travel is in the README; every request is under a token.

## Methods

JSON-RPC 2.0 over \`GET /api/ws\` (one message each) and \`POST /api/rpc\` (one request a call, answered with HTTP 200 also for
its errors). \`$/cancel {id}\` cancels a request on the same connection. Unknown fields are passed over, but not
those that only miss the spelling of a known one; wrong ones are named.

${methodRows.join("\n\n")}

## Events

Notifications \`{"method":"event","params":{"type","session_id"?,"seq","time","payload"}}\`; over \`GET /api/events\` the same
\`params\` as \`data\`, the number as \`id\`, the type as \`event\`. Numbers are dense within a session's stream and within the
\`host\` stream. The first frame of a connection is \`gateway.ready\`, which has no number;
neither has \`turn.stalled {session_id, stalled, message}\`, sent each second while a turn of a session that the connection
follows waits for room on the disk, and once (\`stalled: false\`) when it goes on.

| type | payload |
| --- | --- |
${eventRows.join("\n")}

## Errors

\`error.data.reason\` is the stable word, \`error.data.status\` the HTTP number it would have been.

| reason | code | status |
| --- | --- | --- |
${errorRows.join("\n")}
`;
}
