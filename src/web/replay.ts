// Keeps a screen that is being rebuilt from answering questions that were asked, and answered, long ago: an answer sent
// now would be typed into the shell.

/** Drawing is asynchronous, so a replay lasts until its last byte is drawn, not until it has arrived. */
export class Mute {
  #drawing = 0;

  /** Call before drawing replayed bytes; the function it gives, once they are drawn (more than once does no harm). */
  drawing(): () => void {
    this.#drawing += 1;
    let done = false;
    return () => {
      if (!done) this.#drawing -= 1;
      done = true;
    };
  }

  /** Whether something of the past is still being drawn. */
  get active(): boolean {
    return this.#drawing > 0;
  }
}
