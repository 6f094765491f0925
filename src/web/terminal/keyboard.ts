// Giving a terminal the keyboard. On a phone that draws one over half of what somebody wants to see, so there it is left to
// the finger that touches the terminal.

/** Whether the keyboard of this device comes up on its screen. */
const onScreen = (): boolean => window.matchMedia("(pointer: coarse)").matches;

/** Typing goes to `terminal` from now on, unless that would bring a keyboard up that nobody has asked for. */
export function giveKeyboard(terminal: { focus(): void }): void {
  if (!onScreen()) terminal.focus();
}
