// The JSON-RPC 2.0 frames, and the control frames of a terminal socket.
import * as z from "zod";
import type { WireError } from "./errors.ts";
import type { EventParams } from "./events.ts";

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
export interface EventFrame {
  jsonrpc: "2.0";
  method: "event";
  params: EventParams;
}

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

/** What a client may say on a terminal socket in text frames. */
export const TerminalControl = z.discriminatedUnion("type", [
  z.object({ type: z.literal("resize"), rows: z.unknown(), cols: z.unknown() }),
]);

/** What the host says there. `snapshot`: reset the screen; bytes up to `offset` follow as replay and must not be answered. */
export type TerminalFrame =
  | { type: "snapshot"; from: number; offset: number; rows: number; cols: number }
  | { type: "live"; offset: number }
  | { type: "resize"; rows: number; cols: number }
  | { type: "exit"; exit_code: number | null; signal: string | null; cause: string }
  | { type: "error"; reason: string; message: string };
