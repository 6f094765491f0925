// Stands in for a container engine that cannot run here: writes down the words it is given, and then is the machine itself.
import { chmod, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";

export interface RecordingEngine {
  /** Path of the program. */
  readonly program: string;
  /** What it was called with, call by call. */
  calls(): Promise<string[][]>;
}

/**
 * `run` and `exec` become the program after the image's or container's name; where that stands is found by `inside`, the
 * last word of both. Everything else succeeds and says nothing. `groups`: control groups that its containers are in.
 */
export async function recordingEngine(
  folder: string,
  keeper: string,
  groups: readonly string[] = [],
): Promise<RecordingEngine> {
  const program = join(folder, "docker");
  const log = join(folder, "calls");
  const script = [
    "#!/bin/sh",
    `{ for word in "$@"; do printf '%s\\n' "$word"; done; echo; } >> '${log}'`,
    `for word in "$@"; do before=$last last=$word; done`,
    `[ "$last" = inside ] || exit 0`,
    ...groups.map((group) => `echo $$ > '${group}/cgroup.procs'`),
    `[ "$before" = limits ] && exec '${keeper}' limits inside`,
    `exec '${keeper}' inside`,
  ];
  await writeFile(program, `${script.join("\n")}\n`);
  await chmod(program, 0o755);
  return {
    program,
    calls: async () =>
      (await readFile(log, "utf8"))
        .split("\n\n")
        .filter((call) => call !== "")
        .map((call) => call.split("\n")),
  };
}
