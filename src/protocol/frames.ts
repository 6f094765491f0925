// The JSON-RPC 2.0 frames, and the control frames of a terminal socket.
import * as z from "zod";
import type { WireError } from "./errors.ts";

export const RequestId = z.union([z.string().max(200), z.number().int(), z.null()]);
export type RequestId = z.infer<typeof RequestId>;

export const RpcRequest = z.object({
  jsonrpc: z.literal("2.0"),
  id: RequestId.optional(),
  method: z.string(),
  params: z.union([z.record(z.string(), z.unknown()), z.array(z.unknown())]).optional(),
});
export type RpcRequest = z.infer<typeof RpcRequest>;

export type RpcAnswer = { jsonrpc: "2.0"; id: RequestId } & ({ result: unknown } | { error: WireError });

/** Cancels the request with this id on the same connection. */
export const CancelParams = z.object({ id: RequestId });
export { CANCEL_METHOD } from "./cancel.ts";

/** First frame of every connection. */
export interface Ready {
  skin: { name: string };
  log_id: string;
  build: string;
  /** Head of the `host` stream: its events after this number follow on this connection. */
  host_seq: number;
}

/**
 * What a client may say on a terminal socket in text frames. `resize`: the size that fits it; in force at once where it
 * holds the size or nobody does, else when it takes over. `take`: from now on its size is in force. Typing takes over too.
 * `history`: send a snapshot once more, with all the scrollback that there is.
 */
export const TerminalControl = z.discriminatedUnion("type", [
  z.object({ type: z.literal("resize"), rows: z.unknown(), cols: z.unknown() }),
  z.object({ type: z.literal("take") }),
  z.object({ type: z.literal("history") }),
]);
export type TerminalControl = z.input<typeof TerminalControl>;

/**
 * What the host says there.
 * `snapshot`: reset the emulator, give it this size and write `screen`, which leaves it as the program had drawn it at byte
 * `offset`; bytes follow from there, as replay up to `live`. Nothing in `screen` may be answered. Not `complete`: older
 * lines of the scrollback were left out, for the screen to come sooner.
 * `replay`: reset; raw bytes from `from` up to `offset` follow, which must not be answered (output without a screen).
 * `live`: what comes from here on is printed now.
 * `resize`: the size in force from this place in the stream on; `yours`: this viewer is the one that decides it. Viewers
 * that do not should leave the questions of programs to the one that does.
 * `title`: its program has set another one than in the snapshot or told before; `bell`: it has rung. Both soon after it was
 * printed, not at their place among the bytes, at most 4 times a second: the last title, and one bell for several. Of
 * running terminals, for who gets their screens; what is told or drawn once more rings no bell.
 */
export type TerminalFrame =
  | { type: "snapshot"; offset: number; rows: number; cols: number; title: string; complete: boolean; screen: string }
  | { type: "replay"; from: number; offset: number; rows: number; cols: number }
  | { type: "live"; offset: number }
  | { type: "resize"; rows: number; cols: number; yours: boolean }
  | { type: "title"; title: string }
  | { type: "bell" }
  | { type: "exit"; exit_code: number | null; signal: string | null; cause: string }
  | { type: "error"; reason: string; message: string };
