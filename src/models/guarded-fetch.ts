// The only way out to a provider: bound to one origin, follows no redirect, reads no more than a limit.
import { ProviderFailure } from "./failure.ts";

/** Characters of an answer arrive in about 300 bytes each at worst; an answer larger than this does not end. */
const MOST_BYTES = 256 * 1024 * 1024;

export interface Guard {
  /** The provider's name in the settings, for messages. */
  provider: string;
  /** Keys entered for this address go nowhere else. */
  baseUrl: string;
  /** Called for each piece of an answer's body. */
  onBytes?: () => void;
  mostBytes?: number;
}

/** A `fetch` for one provider. Rejects with ProviderFailure where it refuses, with the network's own error otherwise. */
export function guardedFetch({ provider, baseUrl, onBytes, mostBytes = MOST_BYTES }: Guard): typeof fetch {
  const refuse = (message: string): never => {
    throw new ProviderFailure("error", message, `Check providers.${provider}.base_url.`, { again: false });
  };
  const { origin } = checkedBase(provider, baseUrl);
  return async (input, init) => {
    const url = new URL(input instanceof Request ? input.url : input);
    if (url.origin !== origin) refuse(`A request for ${provider} would have left ${origin}`);
    const response = await fetch(url, { ...init, redirect: "manual" });
    if (response.status >= 300 && response.status < 400) {
      await response.body?.cancel();
      refuse(`${provider} (${url.host}) answers with a redirect, which is not followed`);
    }
    let bytes = 0;
    const counted = response.body?.pipeThrough(
      new TransformStream<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>>({
        transform(chunk, controller) {
          bytes += chunk.byteLength;
          if (bytes > mostBytes) refuse(`The answer of ${provider} (${url.host}) does not end`);
          onBytes?.();
          controller.enqueue(chunk);
        },
      }),
    );
    const { status, statusText, headers } = response;
    return new Response(counted ?? null, { status, statusText, headers });
  };
}

/** The address of a provider. Throws ProviderFailure for one that is no plain http(s) address. */
export function checkedBase(provider: string, baseUrl: string): URL {
  const url = URL.canParse(baseUrl) ? new URL(baseUrl) : undefined;
  if (url !== undefined && /^https?:$/.test(url.protocol) && url.username === "" && url.password === "") return url;
  throw new ProviderFailure(
    "error",
    `The address of ${provider} is no plain http:// or https:// address`,
    `Set providers.${provider}.base_url.`,
    { again: false },
  );
}

/** True for an address of this machine. */
export function isLoopback(baseUrl: string): boolean {
  if (!URL.canParse(baseUrl)) return false;
  const { hostname } = new URL(baseUrl);
  return hostname === "localhost" || hostname === "[::1]" || /^127\.\d+\.\d+\.\d+$/.test(hostname);
}
