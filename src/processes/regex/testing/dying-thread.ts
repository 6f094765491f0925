// A regex thread that dies over an expression with "deadly" in it where the text has "poison".
import { parentPort } from "node:worker_threads";
import type { Ask } from "../messages.ts";
import { RegexSet } from "../scan.ts";

const sets = new Map<number, { set: RegexSet; isDeadly: boolean }>();

parentPort?.on("message", (ask: Ask) => {
  if (ask.ask === "open") {
    const isDeadly = ask.patterns.some(({ regex }) => regex.includes("deadly"));
    sets.set(ask.set, { set: new RegexSet(ask.patterns), isDeadly });
  } else if (ask.ask === "close") sets.delete(ask.set);
  else {
    const bytes = Buffer.from(ask.bytes);
    const one = sets.get(ask.set);
    if (one?.isDeadly === true && bytes.includes("poison")) process.exit(1);
    parentPort?.postMessage({ n: ask.n, hits: one?.set.scan(bytes, ask.cut) ?? [] });
  }
});
