// Methods on terminals, and on links to watch a terminal or a process.
import * as z from "zod";
import { Id } from "../ids.ts";
import { ShareRow, TerminalRow } from "../rows.ts";
import { systemText } from "../text.ts";
import { method } from "./method.ts";

const session = { session_id: Id };
const terminal = { terminal_id: Id };

export const terminalMethods = {
  "terminal.open": method(
    "Opens the named terminal of a session, or answers with the living one. With `restart`, or a `workspace` that is not its own, the living one is ended and a new one begins; without `workspace` that is in the session's.",
    z.object({
      ...session,
      name: systemText(100).min(1).optional(),
      workspace: systemText(4096).optional(),
      /** Garbage becomes 24 × 80 (T4), so any value is taken. */
      rows: z.unknown().optional(),
      cols: z.unknown().optional(),
      restart: z.boolean().optional(),
    }),
    TerminalRow.extend({ existed: z.boolean() }),
  ),
  "terminal.list": method(
    "Terminals, of one session or all.",
    z.object({ session_id: Id.optional() }),
    z.object({ terminals: z.array(TerminalRow) }),
  ),
  "terminal.rename": method(
    "What a person calls a terminal, for everybody who sees it; an empty title gives it back its name.",
    z.object({ ...terminal, title: systemText(100) }),
    TerminalRow,
  ),
  "terminal.inside": method(
    "What runs in a terminal beside its shell, as far as the system tells: at most 100 processes, the oldest first.",
    z.object(terminal),
    z.object({ processes: z.array(z.object({ pid: z.number().int(), command: z.string() })) }),
  ),
  "terminal.input": method(
    "Sends text, or bytes as base64, unchanged. Answers how many bytes were taken: fewer where a line is too long for its program (4,095 bytes), or nothing reads.",
    z.object({ ...terminal, data: z.union([z.string(), z.object({ base64: z.base64() })]) }),
    z.object({ bytes: z.number().int() }),
  ),
  "terminal.resize": method(
    "Tells the terminal its size; clamped to 8…500 rows and 20…1,000 columns.",
    z.object({ ...terminal, rows: z.unknown(), cols: z.unknown() }),
    z.object({ rows: z.number().int(), cols: z.number().int() }),
  ),
  "terminal.close": method(
    "Ends a terminal and everything in it; false if there is none.",
    z.object(terminal),
    z.object({ closed: z.boolean() }),
  ),

  "share.create": method(
    "A link to watch one terminal or process, and nothing else; good for `minutes` (an hour unless said otherwise).",
    z
      .object({
        terminal_id: Id.optional(),
        process_id: Id.optional(),
        minutes: z.number().int().min(1).max(10_080).optional(),
      })
      .refine((p) => (p.terminal_id === undefined) !== (p.process_id === undefined), {
        error: "give either terminal_id or process_id",
        path: ["terminal_id"],
      }),
    ShareRow.extend({ url: z.string() }),
  ),
  "share.list": method("Links that can be watched by now.", z.object({}), z.object({ shares: z.array(ShareRow) })),
  "share.revoke": method(
    "Ends a link; whoever watches by it is cut off. False if there is none.",
    z.object({ share_id: Id }),
    z.object({ revoked: z.boolean() }),
  ),
} as const;
