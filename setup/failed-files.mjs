// A reporter for the runner of the tests: the files in which something failed, a line each.

/** The last line: a runner that was killed has not looked at them all, and does not write it. */
export const ALL = "all";

export default async function* failedFiles(source) {
  for await (const { type, data } of source) {
    if (type === "test:fail" && data.file !== undefined && data.todo === undefined) yield `${data.file}\n`;
  }
  yield `${ALL}\n`;
}
