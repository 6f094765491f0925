// A finger on a terminal: its emulator knows wheels alone, and without this a phone could not reach what has scrolled away.
import type { Terminal } from "@xterm/xterm";

/** So far a finger moves before it is no tap any more, in CSS pixels. */
const TAP = 6;

/** A finger that moves up or down scrolls back and forth; a program that has asked for wheels, or has no history, gets those. */
export function scrollByFinger(terminal: Terminal, place: HTMLElement): Disposable {
  let from: { x: number; y: number } | undefined;
  let moving = false;
  let scrolled = 0;

  const start = ({ touches }: TouchEvent) => {
    const [finger] = touches;
    from = touches.length === 1 && finger !== undefined ? { x: finger.clientX, y: finger.clientY } : undefined;
    moving = false;
    scrolled = 0;
  };
  const move = (event: TouchEvent) => {
    const [finger] = event.touches;
    const screen = terminal.element?.querySelector(".xterm-screen");
    if (from === undefined || finger === undefined || !screen) return;
    const [across, up] = [from.x - finger.clientX, from.y - finger.clientY];
    if (!moving && Math.max(Math.abs(across), Math.abs(up)) < TAP) return;
    if (!moving && Math.abs(across) > Math.abs(up)) {
      from = undefined;
      return;
    }
    moving = true;
    if (event.cancelable) event.preventDefault();
    const row = screen.getBoundingClientRect().height / terminal.rows;
    const lines = Math.trunc(up / row) - scrolled;
    scrolled += lines;
    if (terminal.buffer.active.type === "normal" && terminal.modes.mouseTrackingMode === "none")
      terminal.scrollLines(lines);
    else turn(screen, lines, finger);
  };

  // Up and down is ours from the first pixel on; the rest stays the browser's.
  place.style.touchAction = "pan-x pinch-zoom";
  place.addEventListener("touchstart", start, { passive: true });
  place.addEventListener("touchmove", move, { passive: false });
  return {
    [Symbol.dispose]() {
      place.removeEventListener("touchstart", start);
      place.removeEventListener("touchmove", move);
      place.style.touchAction = "";
    },
  };
}

/** Turns a wheel under the finger, line by line. */
function turn(screen: Element, lines: number, { clientX, clientY }: Touch): void {
  const deltaMode = WheelEvent.DOM_DELTA_LINE;
  const wheel = { bubbles: true, cancelable: true, deltaMode, deltaY: Math.sign(lines), clientX, clientY };
  for (let at = 0; at < Math.abs(lines); at += 1) screen.dispatchEvent(new WheelEvent("wheel", wheel));
}
