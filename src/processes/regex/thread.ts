// The regex thread: even linear time can be long for one line, and the host has better things to do meanwhile.
import { parentPort } from "node:worker_threads";
import type { Ask, Said } from "./messages.ts";
import { RegexSet } from "./scan.ts";

const sets = new Map<number, RegexSet>();
const say = (said: Said): void => parentPort?.postMessage(said);

parentPort?.on("message", (ask: Ask) => {
  if (ask.ask === "open") sets.set(ask.set, new RegexSet(ask.patterns));
  else if (ask.ask === "close") sets.delete(ask.set);
  else {
    const { buffer, byteOffset, byteLength } = ask.bytes;
    say({ n: ask.n, hits: sets.get(ask.set)?.scan(Buffer.from(buffer, byteOffset, byteLength), ask.cut) ?? [] });
  }
});
