// Times, sizes and ends as people say them.
import { visiblePieces } from "./visible.ts";

/** `now`, `5 min`, `3 h`, `2 d`, then a date. Times in ms. */
export function ago(time: number, now: number): string {
  const seconds = Math.max(0, (now - time) / 1000);
  if (seconds < 60) return "now";
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)} h`;
  if (seconds < 7 * 86_400) return `${Math.floor(seconds / 86_400)} d`;
  return new Date(time).toLocaleDateString(undefined, { day: "numeric", month: "short" });
}

/** `80 ms`, `4.2 s`, `1 min 5 s`, `2 h 3 min`, `4 d 2 h`. */
export function duration(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  const seconds = ms / 1000;
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  const [big, small, of, names] =
    whole < 3600
      ? ([60, 1, 60, ["min", "s"]] as const)
      : whole < 86_400
        ? ([3600, 60, 60, ["h", "min"]] as const)
        : ([86_400, 3600, 24, ["d", "h"]] as const);
  const rest = Math.floor(whole / small) % of;
  return `${Math.floor(whole / big)} ${names[0]}${rest > 0 ? ` ${rest} ${names[1]}` : ""}`;
}

/** How something ended, in two words. `exitCode` is minus the signal where one ended it. */
export function ending(end: { status: string; exit_code: number | null; signal: string | null }): string {
  if (end.status === "lost") return "lost";
  if (end.status === "failed_start") return "did not start";
  if (end.signal !== null) return `${end.status === "killed" ? "stopped, " : ""}${end.signal}`;
  return end.exit_code === null ? end.status : `exit ${end.exit_code}`;
}

/** A path with the home directory's usual places left whole, but its middle cut when it is long. */
export function shortPath(path: string, most = 32): string {
  // Names of folders come from others too: none is read the wrong way round.
  const text = visiblePieces(path)
    .map((piece) => piece.text.replace(/\n/g, ""))
    .join("");
  if (text.length <= most) return text;
  const parts = text.split("/");
  let tail = parts.pop() ?? "";
  while (parts.length > 1 && tail.length + (parts.at(-1)?.length ?? 0) + 3 <= most) tail = `${parts.pop()}/${tail}`;
  return `…/${tail.length > most ? `${tail.slice(0, most - 1)}…` : tail}`;
}
