// Why the host ends a WebSocket: one number per reason, on every socket it serves.
export const closeCodes = {
  /** A terminal's stream is over: everything was delivered. */
  done: 1000,
  /** The host stops: come back later. */
  going_away: 1001,
  /** A binary frame where only text belongs. */
  wrong_kind: 1003,
  /** It sends, without end, what is no use or is refused; or one message in too many frames. */
  flood: 1008,
  /** A message over the size limit. */
  too_large: 1009,
  internal: 1011,
  /** Nothing was read for too long while data waited: come back and read on from the last number or offset. */
  too_slow: 1013,
  /** The login of this connection was ended or ran out. */
  login_over: 4003,
  /** No such terminal or process. */
  not_found: 4404,
} as const;
