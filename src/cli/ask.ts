// One question to the person at this terminal.
import { once } from "node:events";
import { createInterface } from "node:readline/promises";

/** The answer; undefined where Ctrl-C or Ctrl-D was pressed, which is none. */
export async function ask(question: string): Promise<string | undefined> {
  const reading = createInterface({ input: process.stdin, output: process.stderr });
  // Ctrl-C rejects the question, Ctrl-D only closes it.
  const closed = once(reading, "close").then(() => undefined);
  const asked = reading.question(question).catch(() => undefined);
  const answer = await Promise.race([asked, closed]);
  reading.close();
  return answer?.trim();
}
