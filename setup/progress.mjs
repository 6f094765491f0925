// Shows on standard error what the set-up is doing: a living line for a person, one plain line per step for a log.

const person = Boolean(process.stderr.isTTY) && !process.env.CI && process.env.TERM !== "dumb";

/**
 * Shows all steps that run, in one line with the seconds gone.
 * @returns {{ step: <T>(name: string, work: () => Promise<T>) => Promise<T>, say: (text: string) => void, done: () => void, end: () => void }}
 */
export function progress() {
  const began = Date.now();
  const running = new Set();
  const seconds = () => `${Math.round((Date.now() - began) / 1000)} s`;
  const draw = () => {
    if (running.size > 0) process.stderr.write(`\r\x1b[KSetting up: ${[...running].join(", ")} … ${seconds()}`);
  };
  const clear = () => {
    if (person) process.stderr.write("\r\x1b[K");
  };
  const ticking = person ? setInterval(draw, 500) : undefined;
  let steps = 0;
  return {
    async step(name, work) {
      steps += 1;
      running.add(name);
      if (person) draw();
      else process.stderr.write(`Setting up: ${name}\n`);
      try {
        return await work();
      } finally {
        running.delete(name);
        if (person) draw();
      }
    },
    say(text) {
      clear();
      process.stderr.write(`${text}\n`);
    },
    done() {
      if (steps === 0) return;
      clear();
      process.stderr.write(`Set up in ${seconds()}.\n`);
    },
    end() {
      clearInterval(ticking);
      clear();
    },
  };
}
