// A script that knows only the documented outside: POST /api/rpc with a token.
import assert from "node:assert/strict";
import type { Method, Params, Result } from "../../src/protocol/methods.ts";
import type { RunningHost } from "./running-host.ts";

interface RpcFailure {
  code: number;
  message: string;
  data: { reason: string; status: number } & Record<string, unknown>;
}
interface RpcAnswer {
  result?: unknown;
  error?: RpcFailure;
}

async function post(host: RunningHost, method: string, params: unknown): Promise<RpcAnswer> {
  const response = await host.fetch("/api/rpc", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ jsonrpc: "2.0", id: 1, method, params }),
  });
  assert.equal(response.status, 200, "also for errors");
  return (await response.json()) as RpcAnswer;
}

/** The result of a call that must succeed. */
export async function rpc<M extends Method>(host: RunningHost, method: M, params: Params<M>): Promise<Result<M>> {
  const { result, error } = await post(host, method, params);
  assert.equal(error, undefined, `${method}: ${error?.message}`);
  return result as Result<M>;
}

/** The error of a call that must fail; anything may be sent. */
export async function refused(host: RunningHost, method: string, params: unknown): Promise<RpcFailure> {
  const { error } = await post(host, method, params);
  assert.ok(error, `${method} was not refused`);
  return error;
}
