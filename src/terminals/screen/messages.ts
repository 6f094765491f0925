// What the host's main thread and the screens' thread tell each other.
import type { SizeMark } from "../../processes/size-history.ts";

/** A terminal's output as it is known now, and the sizes since what was told before. */
export interface Growth {
  id: string;
  length: number;
  firstKept: number;
  sizes: readonly SizeMark[];
  /** From this byte on those who watch are told what happens; infinite: nobody watches. */
  tellFrom: number;
}
export type ToThread =
  | ({ type: "grew"; dir: string } & Growth)
  /** `budget`: characters of scrollback. */
  | { type: "snapshot"; id: string; request: number; budget: number }
  | { type: "close"; id: string }
  | { type: "ping" };

/** A snapshot as it goes to a viewer: the text frame, and where its bytes go on. */
export interface Snapshot {
  offset: number;
  frame: Uint8Array<ArrayBuffer>;
}
/** What a program shows of itself besides bytes, told to those who watch: `title`, if it is another one; `rang`: at least once. */
export interface Sign {
  title: string | null;
  rang: boolean;
}
export type FromThread =
  | { type: "snapshot"; request: number; snapshot: Snapshot }
  | { type: "failed"; request: number; message: string }
  | { type: "sign"; id: string; sign: Sign }
  | { type: "warning"; message: string }
  /** From here on it works on this screen: where it hangs, that is why. */
  | { type: "turn"; id: string }
  /** `busy`: it holds screens in memory, or has something to do. */
  | { type: "pong"; busy: boolean };
