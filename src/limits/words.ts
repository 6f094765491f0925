// Amounts as people say them.
import type { Amounts } from "./group.ts";

/** `512 MiB of memory`, `1.5 processors`, `64 processes`. */
export function shown(key: keyof Amounts, amount: number): string {
  if (key === "cpus") return `${amount} processor${amount === 1 ? "" : "s"}`;
  if (key === "pids") return `${amount} process${amount === 1 ? "" : "es"}`;
  for (const [unit, size] of [["GiB", 2 ** 30], ["MiB", 2 ** 20], ["KiB", 2 ** 10]] as const) // biome-ignore format: one thought
    if (amount >= size && amount % (size / 4) === 0) return `${amount / size} ${unit} of memory`;
  return `${amount} bytes of memory`;
}
