// A person's words on their way to the host: they count once, whatever happens to the connection.
import { resolve } from "node:path";
import type { HearthClient } from "../client/client.ts";
import { isTransient } from "./processes.ts";

export interface ChatOptions {
  session?: string;
  workspace?: string;
  model?: string;
}

/** Submits words so that they count once, whatever happens to the connection. Resolves with the turn's id. */
export async function submit(
  client: HearthClient,
  session: string,
  prompt: string,
  options: ChatOptions,
  key: string,
): Promise<string> {
  for (;;) {
    try {
      const { turn_id } = await client.call("prompt.submit", {
        session_id: session,
        text: prompt,
        key,
        // A conversation that exists has a workspace and a model of its own; only what was said here and now replaces them.
        ...(options.session !== undefined && options.workspace !== undefined
          ? { workspace: resolve(options.workspace) }
          : {}),
        ...(options.session !== undefined && options.model !== undefined ? { model: options.model } : {}),
      });
      return turn_id;
    } catch (error) {
      // The key makes a second attempt the same prompt.
      if (!isTransient(error)) throw error;
    }
  }
}
