// What the emulator's own serialiser takes for the same screen, for comparison; it leaves out what ours restores.
import addon from "@xterm/addon-serialize";
import headless from "@xterm/headless";

export interface Plain {
  /** Milliseconds. */
  screen: number[];
  whole: number[];
  /** Megabytes that one terminal takes while it is in memory. */
  memory: number;
}

export async function addOn(text: Buffer, size: { rows: number; cols: number }, rounds: number): Promise<Plain> {
  const before = process.memoryUsage();
  const terminal = new headless.Terminal({ ...size, scrollback: 10_000, allowProposedApi: true, logLevel: "off" });
  const serializer = new addon.SerializeAddon();
  terminal.loadAddon(serializer);
  await new Promise<void>((resolve) => terminal.write(text, resolve));
  const after = process.memoryUsage();
  const screen: number[] = [];
  const whole: number[] = [];
  for (let round = 0; round < rounds; round++) {
    let began = performance.now();
    serializer.serialize({ scrollback: 0 });
    screen.push(performance.now() - began);
    began = performance.now();
    serializer.serialize();
    whole.push(performance.now() - began);
  }
  terminal.dispose();
  return { screen, whole, memory: (after.rss - before.rss) / 1e6 };
}
