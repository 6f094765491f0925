// Tells who sends far more than any use can be made of from who is only fast (A29): requests, keys and files are never counted.
import { LeakyBucket } from "./leaky-bucket.ts";

/**
 * Frames that are no request, are refused for there being too many, or ask about the connection itself (pings, sizes): so many
 * at once, and so many each second for as long as it likes.
 */
const MOST = 5_000;
const PER_SECOND = 100;
/** For the close frame, which has room for 123 bytes. */
const TOLD = `more than ${MOST} frames that are no use, or to be refused: send no more than ${PER_SECOND} a second`;

export class Flood {
  readonly #bucket = new LeakyBucket(MOST, PER_SECOND);
  readonly #onFlood: (reason: string) => void;

  /** `onFlood` ends the connection, with this reason. */
  constructor(onFlood: (reason: string) => void) {
    this.#onFlood = onFlood;
  }

  /** One more such frame has come. */
  readonly count = (): void => {
    if (!this.#bucket.add()) this.#onFlood(TOLD);
  };
}
