// The thread that looks: reading a thousand small files one after the other is quick here and would hold up the host there.
import { parentPort } from "node:worker_threads";
import type { FromThread, ToThread } from "./messages.ts";
import { Walker } from "./walker.ts";

const walker = new Walker();
const answer = (message: FromThread): void => parentPort?.postMessage(message);

parentPort?.on("message", ({ n, subjects, tree }: ToThread) => {
  try {
    answer({ n, ...walker.sample(subjects, tree) });
  } catch (error) {
    answer({ n, failed: error instanceof Error ? error.message : String(error) });
  }
});
