// Notices a peer that vanished without a word: asks every half minute, and gives it up after two questions without an answer.
import type { WebSocket } from "ws";

const EVERY_MS = 30_000;
const MISSED = 2;

/** Until the socket closes. `onDead` is called once, before it is cut off. */
export function keepAlive(ws: WebSocket, onDead: () => void, everyMs: number = EVERY_MS): void {
  let unanswered = 0;
  const timer = setInterval(() => {
    // A paused socket cannot hear the answer: whether it is stuck is for its outflow to say.
    if (ws.isPaused) return;
    if (unanswered >= MISSED) {
      onDead();
      ws.terminate();
      return;
    }
    unanswered++;
    ws.ping();
  }, everyMs).unref();
  const alive = () => {
    unanswered = 0;
  };
  ws.on("pong", alive);
  ws.on("message", alive);
  ws.once("close", () => clearInterval(timer));
}
