// Every name that crosses a boundary: how it looks, and how a new one is made.
import * as z from "zod";

/** 48 random bits as 12 hex digits: unique within one host for its lifetime, short enough to type. */
function hex12(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(6)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

const prefixes = {
  session: "ses",
  turn: "turn",
  message: "msg",
  call: "call",
  request: "req",
  prompt: "prompt",
  process: "proc",
  terminal: "term",
  share: "share",
} as const;
export type IdKind = keyof typeof prefixes;

/** A fresh id such as `proc_5f0c1e…` (12 hex digits). */
export function newId(kind: IdKind): string {
  return `${prefixes[kind]}_${hex12()}`;
}

/** True if `text` has the exact form of an id of this kind (says nothing about whether it exists). */
export function isId(kind: IdKind, text: string): boolean {
  return new RegExp(`^${prefixes[kind]}_[0-9a-f]{12}$`).test(text);
}

/**
 * An id as a parameter. Models and scripts sometimes send a number: it is taken as text (P17), and whether it exists is
 * for the part that owns the thing to say.
 */
export const Id = z.union([z.string().min(1).max(200), z.number().int().transform(String)]);
