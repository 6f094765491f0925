// A provider's key at the moment it is needed. Keys live in here and in the settings, in memory, and nowhere else (S5).
import { execFile } from "node:child_process";
import { homedir } from "node:os";
import { keyHint, ProviderFailure } from "./failure.ts";
import type { ProviderSettings } from "./model.ts";

const COMMAND_LIMIT_MS = 10_000;
const LONGEST_KEY = 8_192;
/** Commands remembered at once; a home has a handful of providers, past this the oldest is asked again. */
const MOST_COMMANDS = 64;

export class Keys {
  readonly #fromCommand = new Map<string, Promise<string>>();
  readonly #path: string;
  readonly #onKey: (provider: string, key: string) => void;

  /** @param path the PATH that key commands see @param onKey told of each key before it is used */
  constructor(
    path: string = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/opt/homebrew/bin",
    onKey: (provider: string, key: string) => void = () => undefined,
  ) {
    this.#path = path;
    this.#onKey = onKey;
  }

  /**
   * The key, or undefined where none is configured. Throws ProviderFailure (authentication), which never quotes the key, or
   * the signal's reason: the command itself, which others may wait for too, then goes on.
   */
  of(provider: string, settings: ProviderSettings, signal: AbortSignal): Promise<string | undefined> {
    return untilAborted(this.#find(provider, settings), signal);
  }

  async #find(provider: string, settings: ProviderSettings): Promise<string | undefined> {
    const key = await this.#look(provider, settings);
    if (key !== undefined) this.#onKey(provider, key);
    return key;
  }

  async #look(provider: string, settings: ProviderSettings): Promise<string | undefined> {
    const { apiKey, apiKeyCommand } = settings;
    if (apiKey !== undefined && apiKey !== "") return checked(provider, apiKey);
    if (apiKeyCommand === undefined || apiKeyCommand === "") return undefined;
    const known = this.#fromCommand.get(apiKeyCommand);
    if (known !== undefined) return known;
    const asked = this.#run(provider, apiKeyCommand);
    for (const oldest of this.#fromCommand.keys()) {
      if (this.#fromCommand.size < MOST_COMMANDS) break;
      this.#fromCommand.delete(oldest);
    }
    this.#fromCommand.set(apiKeyCommand, asked);
    try {
      return await asked;
    } catch (thrown) {
      this.#fromCommand.delete(apiKeyCommand);
      throw thrown;
    }
  }

  /** After a refused key: the command is asked again next time. */
  forget(settings: ProviderSettings): void {
    if (settings.apiKeyCommand !== undefined) this.#fromCommand.delete(settings.apiKeyCommand);
  }

  #run(provider: string, command: string): Promise<string> {
    // The command sees nothing of the host's environment but these two: other providers' keys are none of its business.
    const env = { PATH: this.#path, HOME: homedir() };
    const options = { env, timeout: COMMAND_LIMIT_MS, killSignal: "SIGKILL", maxBuffer: LONGEST_KEY * 2 } as const;
    return new Promise((resolve, reject) => {
      const child = execFile("/bin/sh", ["-c", command], options, (error, stdout) => {
        if (error !== null) {
          const why = error.killed === true ? `did not end within ${COMMAND_LIMIT_MS / 1000} s` : "failed";
          // Its output is not quoted: it may be the key.
          reject(refused(provider, `The key command of ${provider} ${why}`));
          return;
        }
        try {
          resolve(checked(provider, stdout));
        } catch (thrown) {
          reject(thrown);
        }
      });
      child.stdin?.end();
    });
  }
}

/** A key goes into a header: a stray character would make the HTTP client quote the whole key in its error. */
function checked(provider: string, text: string): string {
  const key = text.trim();
  if (key !== "" && key.length <= LONGEST_KEY && /^[\x21-\x7e]+$/.test(key)) return key;
  throw refused(provider, `The key of ${provider} is empty or has characters that no key has`);
}

function refused(provider: string, message: string): ProviderFailure {
  return new ProviderFailure("authentication", message, keyHint(provider), { again: false });
}

async function untilAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const aborted = Promise.withResolvers<never>();
  const onAbort = (): void => aborted.reject(signal.reason);
  if (signal.aborted) onAbort();
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    return await Promise.race([aborted.promise, work]);
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}
