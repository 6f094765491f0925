// Every gateway method: parameters and result, once. Server, clients, tests and documentation read this table.
import type * as z from "zod";
import { conversationMethods } from "./methods/conversations.ts";
import { hostMethods } from "./methods/host.ts";
import { processMethods } from "./methods/processes.ts";
import { terminalMethods } from "./methods/terminals.ts";

export { HistoryMessage, PendingRequest } from "./methods/conversations.ts";
export { ModelRow } from "./methods/host.ts";

export const methods = { ...conversationMethods, ...processMethods, ...terminalMethods, ...hostMethods } as const;

export type Method = keyof typeof methods;
/** What a caller may send. */
export type Params<M extends Method> = z.input<(typeof methods)[M]["params"]>;
/** What a handler gets: checked, ids as text. */
export type Checked<M extends Method> = z.output<(typeof methods)[M]["params"]>;
export type Result<M extends Method> = z.output<(typeof methods)[M]["result"]>;
