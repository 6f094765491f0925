// The address that a link to watch opens.

/** The secret of `#watch=…`; null where the address is another one. It stays there, so that a reload goes on watching. */
export function watchSecret(hash: string): string | null {
  return /^#watch=([\w-]{20,200})$/.exec(hash)?.[1] ?? null;
}
