// Where Hearth runs: an honest "not yet" elsewhere, before anything is started.
import { ConfigRefused } from "./settings.ts";

const supported: ReadonlySet<string> = new Set(["linux", "darwin"]);
const names: Readonly<Record<string, string>> = { win32: "Windows", aix: "AIX", sunos: "Solaris", android: "Android" };

/** Throws ConfigRefused where nothing keeps processes yet. */
export function assertSupported(platform: NodeJS.Platform): void {
  if (supported.has(platform)) return;
  const name = names[platform] ?? platform;
  const instead = platform === "win32" ? "start it in WSL (wsl --install)" : "start it on a machine with one of these";
  throw new ConfigRefused(
    `Hearth does not run on ${name} yet, only on Linux and macOS: ${instead}, and use it from here in a browser.`,
  );
}
