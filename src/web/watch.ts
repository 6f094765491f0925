// The address that a link to watch opens.

/** The secret of `#watch=…`; null where the address is another one. It stays there, so that a reload goes on watching. */
export function watchSecret(hash: string): string | null {
  return /^#watch=([\w-]{20,200})$/.exec(hash)?.[1] ?? null;
}

/** Where a new link is to be opened: under the address this page has, which is how others come here too, if they can. */
export function watchAddress(url: string, page: Pick<Location, "origin" | "pathname">): string {
  return `${page.origin}${page.pathname}${new URL(url).hash}`;
}
