// Gathers what arrives between two drawn frames, so that a burst of deltas costs one render.

/** Runs `then` soon, at most once per call. The page uses animation frames; a test decides itself. */
export type Schedule = (then: () => void) => void;

export interface Batch<T> {
  add(item: T): void;
  /** Hands over at once what has gathered. */
  flush(): void;
  /** Forgets what has gathered; nothing is handed over after this. */
  stop(): void;
}

/** `take` gets everything added since the last time, in order, never an empty list. */
export function batch<T>(take: (items: T[]) => void, schedule: Schedule): Batch<T> {
  let waiting: T[] = [];
  let scheduled = false;
  let stopped = false;
  const flush = () => {
    if (stopped || waiting.length === 0) return;
    const items = waiting;
    waiting = [];
    take(items);
  };
  return {
    add(item) {
      if (stopped) return;
      waiting.push(item);
      if (scheduled) return;
      scheduled = true;
      schedule(() => {
        scheduled = false;
        flush();
      });
    },
    flush,
    stop() {
      stopped = true;
      waiting = [];
    },
  };
}

/** The next animation frame, or 200 ms where none comes because the tab is hidden: the page must stay current there. */
export const nextFrame: Schedule = (then) => {
  let done = false;
  const once = () => {
    if (done) return;
    done = true;
    cancelAnimationFrame(frame);
    clearTimeout(timer);
    then();
  };
  const frame = requestAnimationFrame(once);
  const timer = setTimeout(once, 200);
};
