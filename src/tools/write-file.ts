// The tool `write_file`: replaces a file as one step, so that a crash leaves the old text or the new one, never a mixture.
import { isUtf8 } from "node:buffer";
import { createHash } from "node:crypto";
import type { Stats } from "node:fs";
import { mkdir, open, rename, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import * as z from "zod";
import { grantKey, writeApproval } from "./approval-policy.ts";
import { lineDiff } from "./line-diff.ts";
import { explain, type Keepout, openRegular, shown, toAbsolute, writeTarget } from "./paths.ts";
import { defineTool, failed, ok, type Plan, type Tool, type ToolContext } from "./tool.ts";
import { visible } from "./visible.ts";

const MAX_CONTENT = 4 * 1024 * 1024;
/** What a write may replace: the file is read whole, to know it again after a crash and to say what changed. */
const MAX_REPLACED = 64 * 1024 * 1024;

const parameters = z.strictObject({
  path: z
    .string()
    .min(1)
    .max(4096)
    .describe("The file; a relative path starts at the workspace, ~ is the home directory"),
  content: z.string().max(MAX_CONTENT).describe("The whole new text of the file, exactly as it is to be stored"),
});

export function writeFileTool(keepout: Keepout): Tool {
  return defineTool({
    name: "write_file",
    description:
      "Writes a text file: creates it, with missing directories above it, or replaces its whole content. " +
      "To change a part of a file, read it first and write it back whole. The answer says what changed.",
    parameters,
    afterCrash: "compare",
    plan: async ({ path, content }, ctx) => {
      const target = await writeTarget(toAbsolute(ctx.workspace, path), keepout);
      const old = target.stats && (await readWhole(target.path, keepout));
      const name = shown(ctx.workspace, target.path);
      const approval = writeApproval(target.path, ctx.workspace);
      const verb = old === undefined ? "Create" : "Replace";
      return {
        preview: visible(`${verb} ${name} (${Buffer.byteLength(content)} bytes)`),
        before: old === undefined ? null : sha256(old),
        after: sha256(content),
        ...changeOf(old, content),
        approval,
        ...(!approval.dangerous && { grantKey: grantKey("write_file", { path: target.path, content }, ctx.workspace) }),
      };
    },
    run: async ({ path, content }, ctx, plan) => {
      const target = await writeTarget(toAbsolute(ctx.workspace, path), keepout);
      const old = target.stats && (await readWhole(target.path, keepout));
      const name = shown(ctx.workspace, target.path);
      // A person may have thought for an hour about what was planned: only that very change is made.
      if ((old === undefined ? null : sha256(old)) !== (plan.before ?? null)) {
        return failed(
          `${name} was changed by someone else since this write was planned: read it again before you write`,
        );
      }
      const bytes = Buffer.from(content);
      if (old?.equals(bytes))
        return ok(`${name} already has exactly this content (${bytes.length} bytes): nothing changed`);
      if (old === undefined)
        await mkdir(dirname(target.path), { recursive: true }).catch(explain(dirname(target.path)));
      await replace(target.path, bytes, target.stats, ctx);
      return ok(told(name, old, bytes, target.stats));
    },
    recover: async ({ path }, ctx, plan) => {
      const target = await writeTarget(toAbsolute(ctx.workspace, path), keepout);
      await rm(temporary(target.path, ctx), { force: true });
      const now = target.stats === undefined ? null : sha256(await readWhole(target.path, keepout));
      const name = shown(ctx.workspace, target.path);
      if (now === plan.after)
        return ok(`Wrote ${name}; the host restarted meanwhile and found the new content in place`);
      if (now === (plan.before ?? null)) return undefined;
      return {
        status: "unknown",
        result:
          `Nobody knows whether ${name} was written: the host restarted in the middle, and the file has neither the old ` +
          "nor the new content now. Read it before you decide what to do.",
      };
    },
  });
}

/** The old text is held while a person thinks. */
const MAX_COMPARED = 4 * 1024 * 1024;

/** Of a new file there is nothing to compare with; bytes that are no text are not shown as if they were. */
function changeOf(old: Buffer | undefined, content: string): Pick<Plan, "change"> {
  if (old === undefined || old.length > MAX_COMPARED || !isUtf8(old)) return {};
  const text = old.toString();
  return text.includes("\0") ? {} : { change: (covers) => lineDiff(text, content, covers) || undefined };
}

const sha256 = (data: string | Buffer): string => createHash("sha256").update(data).digest("hex");

async function readWhole(path: string, keepout: Keepout): Promise<Buffer> {
  await using file = await openRegular(path, keepout);
  if (file.stats.size > MAX_REPLACED) {
    throw new Error(`${path} has ${file.stats.size} bytes: write_file replaces files up to 64 MiB only`);
  }
  return file.handle.readFile();
}

/** One name per call: a crash leaves at most this one file behind, and the recovery of the same call removes it. */
function temporary(path: string, ctx: ToolContext): string {
  return join(dirname(path), `.${basename(path).slice(0, 100)}.${sha256(ctx.callId).slice(0, 12)}.tmp`);
}

/** New text beside the old, made durable, then given the name in one step. Mode and owner of the old file are kept. */
async function replace(path: string, bytes: Buffer, old: Stats | undefined, ctx: ToolContext): Promise<void> {
  const fresh = temporary(path, ctx);
  await rm(fresh, { force: true });
  const file = await open(fresh, "wx", old === undefined ? 0o666 : 0o600).catch(explain(path));
  try {
    try {
      await file.writeFile(bytes);
      if (old !== undefined) {
        const { uid, gid } = await file.stat();
        // Fails where the file belongs to someone else: better no write than a file that changes hands unseen.
        if (uid !== old.uid || gid !== old.gid) await file.chown(old.uid, old.gid);
        await file.chmod(old.mode & 0o7777);
      }
      await file.sync();
    } finally {
      await file.close();
    }
    ctx.signal.throwIfAborted();
    await rename(fresh, path);
  } catch (error) {
    await rm(fresh, { force: true });
    ctx.signal.throwIfAborted();
    return explain(path)(error);
  }
  const directory = await open(dirname(path), "r");
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}

function told(name: string, old: Buffer | undefined, now: Buffer, stats: Stats | undefined): string {
  if (old === undefined)
    return `Created ${name}: ${count(linesOf(now.toString()).length, "line")}, ${now.length} bytes`;
  const links = (stats?.nlink ?? 1) > 1 ? ". It had more than one hard link: the other names keep the old text" : "";
  return `Changed ${name}: ${difference(old.toString(), now.toString())}; ${now.length} bytes now, ${old.length} before${links}`;
}

/** Where two texts differ, as one range: what lies between their common beginning and their common end. */
export function difference(old: string, now: string): string {
  const a = linesOf(old);
  const b = linesOf(now);
  let head = 0;
  while (head < a.length && head < b.length && a[head] === b[head]) head += 1;
  let tail = 0;
  while (tail < a.length - head && tail < b.length - head && a.at(-1 - tail) === b.at(-1 - tail)) tail += 1;
  const removed = a.length - head - tail;
  const added = b.length - head - tail;
  const range = removed === 1 ? `line ${head + 1}` : `lines ${head + 1}-${head + removed}`;
  if (removed === 0) return `${count(added, "line")} added after line ${head}`;
  if (added === 0) return `${range} removed`;
  return `${range} replaced by ${count(added, "line")}`;
}

/** With their ends, so that a missing newline at the end of the file is a difference too. */
const linesOf = (text: string): string[] => text.match(/[^\n]*\n|[^\n]+$/g) ?? [];
const count = (n: number, what: string): string => `${n} ${what}${n === 1 ? "" : "s"}`;
