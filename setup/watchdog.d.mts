import type { ChildProcess } from "node:child_process";
export function watchTestRunner(
  runner: ChildProcess,
  options: { fileMs: number; allMs: number; say: (text: string) => void; everyMs?: number },
): () => void;
