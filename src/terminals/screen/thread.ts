// The thread in which all screens are drawn, one piece of one terminal after the other: nothing a program writes can keep
// the host from its work, and no terminal keeps the others waiting for long.
import { parentPort } from "node:worker_threads";
import { FollowedScreen } from "./followed-screen.ts";
import type { FromThread, ToThread } from "./messages.ts";

/** How long one terminal is drawn before the next has its turn. */
const TURN_MS = 8;
/** A snapshot waits for so little to be drawn; what is beyond it, the viewer draws itself. */
const CATCH_UP_BYTES = 256 * 1024;
const CATCH_UP_MS = 50;
/** After a restart a whole spool may have to be drawn before the first picture; the viewer gets the rest raw. */
const FIRST_MS = 2_000;
const FAR_BYTES = 1024 * 1024;
/** Screens in memory: what those of quiet terminals may take, and how many in all. The one used least recently goes first. */
const ROOM_BYTES = 64 * 1024 * 1024;
/** So many stay, whatever they take, if they are needed again and again. */
const ROOM = 4;
const MOST_LIVE = 16;
const REST_CHECK_MS = 2_000;
const WARN_MS = 60_000;

const port = parentPort;
if (port === null) throw new Error("The screens' thread is started by its host.");
const say = (message: FromThread, transfer: ArrayBuffer[] = []): void => port.postMessage(message, transfer);

const screens = new Map<string, FollowedScreen>();
/** Those with something to draw, in the order of their turns. */
const waiting = new Set<string>();
let drawing = false;

const breath = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const wordsOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

async function drawAll(): Promise<void> {
  if (drawing) return;
  drawing = true;
  for (const id of waiting) {
    waiting.delete(id);
    const more = await inTurn(id, (screen) => screen.draw(TURN_MS));
    if (more === true) waiting.add(id);
    else await makeRoom();
    await breath();
  }
  drawing = false;
}

/** The screen that was worked on last. */
let at = "";
/** One thing at a time happens to a screen. */
const turns = new Map<string, Promise<unknown>>();
async function inTurn<T>(id: string, work: (screen: FollowedScreen) => Promise<T>): Promise<T | undefined> {
  const before = turns.get(id) ?? Promise.resolve();
  const mine = before.then(async () => {
    const screen = screens.get(id);
    if (screen === undefined) return undefined;
    if (at !== id) say({ type: "turn", id });
    at = id;
    return await work(screen);
  });
  const settled = mine.catch(() => undefined);
  turns.set(id, settled);
  try {
    return await mine;
  } catch (error) {
    if (screens.has(id)) warn(id, error);
    return undefined;
  } finally {
    if (turns.get(id) === settled) turns.delete(id);
  }
}

/** When a failure of a screen was told last: what keeps failing does so with every piece of output. */
const warned = new Map<string, number>();
function warn(id: string, error: unknown): void {
  const now = performance.now();
  if (now - (warned.get(id) ?? Number.NEGATIVE_INFINITY) < WARN_MS) return;
  warned.set(id, now);
  say({ type: "warning", message: `the screen of ${id}: ${wordsOf(error)}` });
}

async function snapshot(id: string, request: number, budget: number): Promise<void> {
  const began = performance.now();
  const made = await inTurn(id, async (screen) => {
    // Far behind: the background does the work, for all, and this one waits a while.
    let left = screen.behind;
    const patience = left > FAR_BYTES ? FIRST_MS : left > CATCH_UP_BYTES ? 10 * CATCH_UP_MS : CATCH_UP_MS;
    while (left > 0 && performance.now() - began < patience) {
      await screen.draw(TURN_MS);
      await breath();
      left = screen.behind;
    }
    return await screen.snapshot(budget);
  });
  if (made === undefined) say({ type: "failed", request, message: "there is no screen of it" });
  else say({ type: "snapshot", request, snapshot: made }, [made.frame.buffer]);
}

function newScreen({ id, dir }: { id: string; dir: string }): FollowedScreen {
  return new FollowedScreen(dir, (sign) => say({ type: "sign", id, sign }));
}

port.on("message", (message: ToThread) => {
  switch (message.type) {
    case "grew": {
      const screen = screens.get(message.id) ?? newScreen(message);
      screens.set(message.id, screen);
      screen.heard(message);
      if (screen.behind > 0) waiting.add(message.id);
      void drawAll();
      break;
    }
    case "snapshot":
      void snapshot(message.id, message.request, message.budget);
      break;
    case "close":
      close(message.id);
      break;
    case "ping":
      say({ type: "pong", busy: waiting.size > 0 || drawing || [...screens.values()].some((screen) => screen.live) });
      break;
    default:
      message satisfies never;
  }
});

/** Its terminal is gone. What is being done to it is not done to a screen that is taken apart. */
function close(id: string): void {
  const screen = screens.get(id);
  screens.delete(id);
  waiting.delete(id);
  warned.delete(id);
  screen?.stop();
  void (turns.get(id) ?? Promise.resolve()).then(() => screen?.close());
}

async function restAll(): Promise<void> {
  for (const id of [...screens.keys()]) await inTurn(id, (screen) => screen.rest());
}

/**
 * Puts screens aside that nobody needs now, the least recently used first; if there are very many, any. By what they take:
 * full ones of 200 columns have 30 MB, and what they had stays with the process; those of young shells have next to nothing.
 */
async function makeRoom(): Promise<void> {
  const live = [...screens].filter(([, screen]) => screen.live).sort(([, a], [, b]) => a.used - b.used);
  let left = live.length;
  let bytes = live.reduce((sum, [, screen]) => sum + screen.bytes, 0);
  for (const [id, screen] of live) {
    if ((bytes <= ROOM_BYTES && left <= MOST_LIVE) || left === 1) return;
    if ((screen.behind > 0 && left <= MOST_LIVE) || (screen.comesBack && left <= ROOM)) continue;
    bytes -= screen.bytes;
    left--;
    await inTurn(id, (one) => one.rest(true));
  }
}
setInterval(() => void restAll(), REST_CHECK_MS);
