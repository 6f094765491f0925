// What a browser's request is known by, beside its cookie. Apart from the schemas: the page must not carry zod.

/** Every WebSocket of ours asks for this protocol. */
export const PROTOCOL = "hearth";
/** A login's secret, as a header, or behind this as a WebSocket protocol beside `hearth`: browsers set no headers there. */
export const LOGIN_HEADER = "x-hearth-login";
export const LOGIN_PROTOCOL = "hearth.login.";
/** The secret of a link to watch, in the same two ways. */
export const WATCH_HEADER = "x-hearth-watch";
export const WATCH_PROTOCOL = "hearth.watch.";
