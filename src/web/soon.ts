// Reads a list again when something says it changed: never twice at the same time, never more often than needed.

export interface Refresher {
  /** It changed: read again soon. Any number of these in a row is one reading. */
  changed(): void;
  stop(): void;
}

/** `read` deals with its own failures; the next `changed` reads again. */
export function refresher(read: () => Promise<void>, delayMs: number): Refresher {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let reading = false;
  let again = false;
  let stopped = false;
  const run = async () => {
    timer = undefined;
    reading = true;
    again = false;
    try {
      await read();
    } finally {
      reading = false;
      if (again) changed();
    }
  };
  const changed = () => {
    if (stopped || timer !== undefined) return;
    if (reading) {
      again = true;
      return;
    }
    timer = setTimeout(() => void run(), delayMs);
  };
  return {
    changed,
    stop() {
      stopped = true;
      clearTimeout(timer);
    },
  };
}
