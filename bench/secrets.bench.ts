// What it costs to look for secrets in output, beside a search for one text in the same bytes.
import { performance } from "node:perf_hooks";
import { Redactor } from "../src/secrets/redactor.ts";
import { samples } from "../src/secrets/testing/samples.ts";
import { median, type Report } from "./report.ts";

const WINDOW = 200_000;
const ROUNDS = 40;

function logLines(): string {
  const lines: string[] = [];
  for (let size = 0, n = 0; size < WINDOW; n++) {
    const line = `2026-01-01T00:00:${n % 60}.${n} INFO server/handlers/request.ts:${n} GET /api/users/${n}?page=2 200 ${n % 97} ms`;
    lines.push(line);
    size += line.length + 1;
  }
  return lines.join("\n");
}

function rate(bytes: number, work: () => unknown): number {
  const rates = Array.from({ length: ROUNDS }, () => {
    const from = performance.now();
    work();
    return bytes / 1000 / (performance.now() - from);
  });
  return median(rates);
}

export const rows = ["A47"];

export default async function run(report: Report): Promise<void> {
  const redactor = new Redactor();
  for (const [name, { secret }] of Object.entries(samples)) redactor.learn(name, secret);
  const text = logLines();
  const bytes = Buffer.from(text);
  const found = rate(text.length, () => redactor.text(text));
  const one = rate(bytes.length, () => bytes.indexOf("there is no such text in it"));
  report.add({
    id: "A47",
    what: "redaction of log lines",
    measured: `${found.toFixed(0)} MB/s`,
    baseline: `${one.toFixed(0)} MB/s Buffer.indexOf, one text`,
    aim: "–",
    note: `${Object.keys(samples).length} known values in all spellings, all kinds of keys; a window of ${WINDOW / 1000} kB`,
  });
}
