// Amounts as people say them.
import type { Amounts } from "./group.ts";

const BINARY = [["GiB", 2 ** 30], ["MiB", 2 ** 20], ["KiB", 2 ** 10]] as const; // biome-ignore format: one thought
const DECIMAL = [["GB", 1e9], ["MB", 1e6], ["kB", 1e3]] as const; // biome-ignore format: one thought

/** `64 MiB`, `60 MB`, `1.5 GiB`: exact, and as short as it can be with one decimal at most; else `about 117.7 MiB`. */
export function bytesShown(bytes: number): string {
  const exact = [...BINARY, ...DECIMAL]
    .filter(([, size]) => bytes >= size && (bytes * 10) % size === 0)
    .map(([unit, size]) => ({ number: String(bytes / size), unit }));
  const shortest = exact.toSorted((a, b) => a.number.length - b.number.length)[0];
  if (shortest !== undefined) return `${shortest.number} ${shortest.unit}`;
  const [unit, size] = BINARY.find(([, one]) => bytes >= 10 * one) ?? ["bytes", 1];
  return size === 1 ? `${bytes} bytes` : `about ${Math.round((bytes / size) * 10) / 10} ${unit}`;
}

/** `512 MiB of memory`, `1.5 processors`, `64 processes`. */
export function shown(key: keyof Amounts, amount: number): string {
  if (key === "cpus") return `${amount} processor${amount === 1 ? "" : "s"}`;
  if (key === "pids") return `${amount} process${amount === 1 ? "" : "es"}`;
  return `${bytesShown(amount)} of memory`;
}
