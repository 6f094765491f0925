// What those who watch a screen are told besides its bytes: another title, a bell. So seldom that a flood of them costs nobody.
import type { Sign } from "./messages.ts";

/** What comes in between is told together, with the last title. */
const APART_MS = 250;

/** The state of an emulator that is told of. */
interface Drawn {
  readonly title: string;
  readonly rings: number;
}

export class Signs {
  readonly #say: (sign: Sign) => void;
  #title = "";
  #rings = 0;
  #rang = false;
  /** The title that those who watch know. */
  #told = "";
  /** They have it from a snapshot. */
  #shown = false;
  #saidAt = Number.NEGATIVE_INFINITY;
  #timer: NodeJS.Timeout | undefined;

  constructor(say: (sign: Sign) => void) {
    this.#say = say;
  }

  /** What has led here is old: its bells are not told, nor is its title, unless a snapshot has told them another one. */
  passed({ title, rings }: Drawn): void {
    this.#rings = rings;
    if (!this.#shown && this.#timer === undefined) this.#told = title;
  }

  /** Somebody was shown this title with a snapshot: all that watch know it already, or are told soon. */
  shown(title: string): void {
    if (this.#timer !== undefined) return;
    this.#told = title;
    this.#shown = true;
  }

  /** This is printed now, and somebody watches. */
  look({ title, rings }: Drawn): void {
    this.#rang ||= rings !== this.#rings;
    this.#rings = rings;
    this.#title = title;
    if (this.#timer !== undefined || (!this.#rang && title === this.#told)) return;
    this.#timer = setTimeout(this.#tell);
  }

  /** Nobody watches. */
  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#rang = false;
    this.#shown = false;
  }

  readonly #tell = (): void => {
    // Looked at each time: a timer counts from when its loop last looked at the clock, before what was drawn since.
    const early = this.#saidAt + APART_MS - performance.now();
    this.#timer = early > 0 ? setTimeout(this.#tell, early) : undefined;
    if (early > 0) return;
    const title = this.#title === this.#told ? null : this.#title;
    const rang = this.#rang;
    if (title === null && !rang) return;
    this.#told = this.#title;
    this.#rang = false;
    this.#saidAt = performance.now();
    this.#say({ title, rang });
  };
}
