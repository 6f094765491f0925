// The writer thread: owns the only connection, answers one request after the other.
import { flushCompileCache } from "node:module";
import { parentPort, workerData } from "node:worker_threads";
import { isFull, whyUnusable } from "./fault.ts";
import type { Answers, Ask, Said, WriterData } from "./messages.ts";
import { Unusable } from "./schema.ts";
import { Store } from "./store.ts";

const { file } = workerData as WriterData;
const say = (said: Said): void => parentPort?.postMessage(said);
const warn = (text: string): void => say({ said: "warning", text });
const words = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** Set by the first write that failed for another reason than a full disk. No write is tried again after it. */
let failed: string | undefined;

function fail(store: Store, error: unknown): string {
  store.freeze();
  failed ??= `${file} can no longer be written (${words(error)}): what it has is readable; check the disk, then start Hearth again`;
  say({ said: "failed", message: failed });
  return failed;
}

function answer(store: Store, ask: Ask): Answers[Ask["ask"]] {
  switch (ask.ask) {
    case "append": {
      const time = Date.now();
      return { time, outcomes: store.append(ask.batch, time) };
    }
    case "read":
      return store.read(ask.stream, ask.after, ask.limit, ask.bytes);
    case "head":
      return store.head(ask.stream);
    case "view":
      return store.view(ask.view, ask.key);
    case "views":
      return store.views(ask.view);
    case "remove":
      store.remove(ask.stream);
      return null;
    case "close":
      store.close();
      return null;
    default:
      return ask satisfies never;
  }
}

function serve(store: Store, ask: Ask): void {
  const { n } = ask;
  const writes = ask.ask === "append" || ask.ask === "remove";
  if (writes && failed !== undefined) {
    say({ said: "fault", n, fault: { kind: "failed", message: failed } });
    return;
  }
  try {
    say({ said: "answer", n, value: answer(store, ask) });
  } catch (error) {
    if (writes && isFull(error)) say({ said: "fault", n, fault: { kind: "full", message: words(error) } });
    else if (writes) say({ said: "fault", n, fault: { kind: "failed", message: fail(store, error) } });
    else
      say({
        said: "fault",
        n,
        fault: { kind: "unreadable", message: `${file} cannot be read here (${words(error)})` },
      });
  }
  if (ask.ask === "append" && failed === undefined) checkpoint(store);
  if (ask.ask === "close") parentPort?.close();
}

let toldFull = false;
function checkpoint(store: Store): void {
  try {
    store.checkpointIfLong();
    toldFull = false;
  } catch (error) {
    // Without room the write-ahead log keeps the events, and the next batch tries again.
    if (!isFull(error)) fail(store, error);
    else if (!toldFull) warn(`The disk that holds ${file} is full: free some space`);
    toldFull = isFull(error);
  }
}

try {
  const store = new Store(file, warn);
  say({ said: "ready", logId: store.logId });
  flushCompileCache(); // each thread has its own part, and this one may be killed with its host
  parentPort?.on("message", (ask: Ask) => serve(store, ask));
} catch (error) {
  say({ said: "unusable", message: error instanceof Unusable ? error.message : whyUnusable(error, file) });
  parentPort?.close();
}
