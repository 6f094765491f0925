// One table of everything that can go wrong in a client's eyes; one class that carries a row of it.

/** `code` is the JSON-RPC error code, `status` the HTTP number the same failure would have had. */
export const errors = {
  parse_error: { code: -32700, status: 400 },
  invalid_request: { code: -32600, status: 400 },
  method_not_found: { code: -32601, status: 404 },
  invalid_params: { code: -32602, status: 400 },
  internal: { code: -32603, status: 500 },

  process_not_found: { code: -32001, status: 404 },
  session_not_found: { code: -32002, status: 404 },
  terminal_not_found: { code: -32003, status: 404 },
  turn_not_found: { code: -32004, status: 404 },
  request_not_found: { code: -32005, status: 404 },
  model_not_found: { code: -32006, status: 404 },
  sandbox_not_found: { code: -32007, status: 404 },
  already_exited: { code: -32010, status: 409 },
  already_settled: { code: -32011, status: 409 },
  key_reused: { code: -32012, status: 422 },
  not_running: { code: -32013, status: 409 },
  session_busy: { code: -32014, status: 409 },
  failed_start: { code: -32020, status: 500 },
  start_timeout: { code: -32021, status: 504 },
  workspace_invalid: { code: -32022, status: 400 },
  pty_limit: { code: -32023, status: 429 },
  path_refused: { code: -32024, status: 404 },
  file_not_found: { code: -32025, status: 404 },
  not_regular: { code: -32026, status: 422 },
  name_refused: { code: -32027, status: 422 },
  file_exists: { code: -32028, status: 409 },
  offset_gone: { code: -32030, status: 416 },
  cursor_gone: { code: -32031, status: 410 },
  storage_full: { code: -32032, status: 507 },
  storage_failed: { code: -32033, status: 500 },
  unauthorized: { code: -32040, status: 401 },
  forbidden: { code: -32041, status: 403 },
  too_many: { code: -32042, status: 429 },
  too_large: { code: -32043, status: 413 },
  cancelled: { code: -32050, status: 499 },
  stopping: { code: -32051, status: 503 },
  config_refused: { code: -32052, status: 422 },
  regex_refused: { code: -32054, status: 422 },
  not_supported: { code: -32053, status: 501 },

  model_rate_limit: { code: -32060, status: 429 },
  model_authentication: { code: -32061, status: 401 },
  model_context_too_long: { code: -32062, status: 413 },
  model_network: { code: -32063, status: 502 },
  model_refusal: { code: -32064, status: 422 },
  model_failed: { code: -32065, status: 502 },
} as const satisfies Record<string, { code: number; status: number }>;
export type Reason = keyof typeof errors;

/** An error a client may see. `message` is one sentence that says what to do; `data` is shown too, so no secrets in it. */
export class HostError extends Error {
  readonly reason: Reason;
  readonly data: Readonly<Record<string, unknown>>;
  constructor(reason: Reason, message: string, options?: ErrorOptions & { data?: Record<string, unknown> }) {
    super(message, options);
    this.name = new.target.name;
    this.reason = reason;
    this.data = options?.data ?? {};
  }
  get status(): number {
    return errors[this.reason].status;
  }
}

/** The host ends in order: it takes nothing new, and what runs lives on. */
export class Stopping extends HostError {
  constructor(message = "The host is stopping: try again when it is back") {
    super("stopping", message);
  }
}

export interface WireError {
  code: number;
  message: string;
  data: { reason: Reason; status: number } & Record<string, unknown>;
}

/** The single door from `unknown` to the wire. Stacks and causes stay in the host's own log. */
export function toWire(thrown: unknown): WireError {
  const error =
    thrown instanceof HostError
      ? thrown
      : new HostError(
          "internal",
          "Something failed inside Hearth; its log says what. Try again, and report it if it stays.",
        );
  const { code, status } = errors[error.reason];
  return { code, message: error.message, data: { ...error.data, reason: error.reason, status } };
}
