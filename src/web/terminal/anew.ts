// A screen that is drawn anew, in the order of the stream.
import type { Terminal } from "@xterm/xterm";

/** Ends whatever sequence has begun, without any effect. */
const CANCEL = 0x18;

/**
 * Empties the emulator once it has drawn what it was given before, and calls `then`. What was cut in the middle ends there:
 * the emulator's own reset goes on in the middle of a sequence, which would swallow the beginning of what comes.
 */
export function beginAnew(terminal: Pick<Terminal, "write" | "reset">, then: () => void): void {
  terminal.write(Uint8Array.of(CANCEL), () => {
    terminal.reset();
    then();
  });
}
