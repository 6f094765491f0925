// The screens' thread, which hangs in what one terminal prints: for the test of who watches over it.
import { parentPort } from "node:worker_threads";
import "../thread.ts";
import type { ToThread } from "../messages.ts";

const HANGS = "term_hangs";

const endless = () => {
  for (;;);
};
// A moment later: it hangs in the middle of its work.
parentPort?.on("message", (message: ToThread) => {
  if (message.type === "grew" && message.id === HANGS) setTimeout(endless, 20);
});
