// A workspace as a person might have it: a small project, no Git, whose `npm run check` works a while and then passes.
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface Workspace extends AsyncDisposable {
  readonly path: string;
  /** What the script prints, all of it, in order (npm prints a few lines before it). */
  readonly lines: readonly string[];
  /** Lets a script go on that stops in the middle. */
  goOn(): Promise<void>;
}

/**
 * Makes the project: `npm run check` prints `check 1 of N` … in about `seconds` (default 3), `passed` in the middle, ends
 * with `all N checks done` and exit code 0. It needs no package and no network. Dispose of it to remove it. With `stops` it
 * waits in the middle, behind `passed`, until it is let go on.
 */
export async function makeWorkspace(
  options: { seconds?: number; lines?: number; stops?: boolean } = {},
): Promise<Workspace> {
  const seconds = options.seconds ?? 3;
  const count = options.lines ?? 30;
  const path = await mkdtemp(join(tmpdir(), "hearth-workspace-"));
  const project = { name: "fixture", version: "1.0.0", private: true, scripts: { check: "node check.mjs" } };
  await writeFile(join(path, "package.json"), `${JSON.stringify(project, null, 2)}\n`);
  await writeFile(join(path, "README.md"), "# Fixture\n\nA project with one check.\n");
  await writeFile(join(path, "check.mjs"), script(count, Math.round((seconds * 1000) / count), options.stops ?? false));
  const lines: string[] = [];
  for (let n = 1; n <= count; n += 1) {
    lines.push(`check ${n} of ${count}`);
    if (n === Math.ceil(count / 2)) lines.push("passed");
  }
  lines.push(`all ${count} checks done`);
  return {
    ...{ path, lines, goOn: () => writeFile(join(path, "go-on"), "") },
    [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }),
  };
}

const script = (
  count: number,
  pauseMs: number,
  stops: boolean,
): string => `import { setTimeout as pause } from "node:timers/promises";
for (let n = 1; n <= ${count}; n += 1) {
  console.log(\`check \${n} of ${count}\`);
  if (n === ${Math.ceil(count / 2)}) ${stops ? STOP : 'console.log("passed");'}
  await pause(${pauseMs});
}
console.log("all ${count} checks done");
`;

const STOP = `{
    console.log("passed");
    const { existsSync } = await import("node:fs");
    while (!existsSync("go-on")) await pause(20);
  }`;
