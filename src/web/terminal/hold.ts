// Drawing a screen anew in one go: what was in view stays in view until all that takes its place is there.
import type { Terminal } from "@xterm/xterm";

interface Inside {
  _core?: {
    coreService?: { decPrivateModes?: { synchronizedOutput?: boolean } };
    _renderService?: { _renderer?: { value?: { clear?: () => void } } };
  };
}

/** Ends what the reset of `held` begins. Written to the emulator, so that it comes in its place among what is drawn. */
export const RELEASE = "\x1b[?2026l";

/**
 * Empties the emulator without emptying what is seen of it: that stays until `RELEASE` is written and all is drawn over, or
 * the emulator loses its patience, which it has for a second. Programs hold with `CSI ? 2026 h`; written, that would come
 * too late, since a reset wipes at once. The emulator has no public way for either; without these it is empty for a moment.
 */
function resetHeld(terminal: Terminal): void {
  const inside = (terminal as unknown as Inside)._core;
  const renderer = inside?._renderService?._renderer?.value;
  const { clear } = renderer ?? {};
  if (renderer !== undefined) renderer.clear = () => undefined;
  try {
    terminal.reset();
  } finally {
    if (renderer !== undefined && clear !== undefined) renderer.clear = clear;
  }
  const modes = inside?.coreService?.decPrivateModes;
  if (modes !== undefined) modes.synchronizedOutput = true;
}

/** The terminal with that reset. */
export function held(terminal: Terminal): Pick<Terminal, "write" | "reset"> {
  return { write: (data, drawn) => terminal.write(data, drawn), reset: () => resetHeld(terminal) };
}
