// A line on which the answers to some calls are as late as a test wants them.
import type { BrowserContext } from "playwright-core";

export interface HeldAnswers {
  /** How often the page has called it. */
  readonly calls: number;
  /** Lets what was held through, and whatever comes from now on. */
  release(): void;
}

interface Message {
  id?: number | string;
  method?: string;
}

/** Holds the answers to `method` back, for pages of this context that are opened from now on. */
export async function holdAnswers(context: BrowserContext, method: string): Promise<HeldAnswers> {
  const asked = new Set<number | string>();
  let held: (() => void)[] | undefined = [];
  let calls = 0;
  const read = (text: string | Buffer) => JSON.parse(text.toString()) as Message;
  await context.routeWebSocket(/\/api\/ws/, (page) => {
    const host = page.connectToServer();
    page.onMessage((text) => {
      const { id, method: called } = read(text);
      if (called === method && id !== undefined) {
        asked.add(id);
        calls += 1;
      }
      host.send(text);
    });
    host.onMessage((text) => {
      const { id } = read(text);
      if (held !== undefined && id !== undefined && asked.has(id)) held.push(() => page.send(text));
      else page.send(text);
    });
  });
  return {
    get calls() {
      return calls;
    },
    release() {
      const all = held ?? [];
      held = undefined;
      for (const send of all) send();
    },
  };
}
