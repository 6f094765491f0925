export function lock(
  directory: string,
  options?: { onWait?: (holder: string) => void; staleMs?: number; pollMs?: number },
): Promise<() => void>;
