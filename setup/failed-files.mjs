// A reporter for the runner of the tests: the files in which something failed, a line each.
export default async function* failedFiles(source) {
  for await (const { type, data } of source) {
    if (type === "test:fail" && data.file !== undefined && data.todo === undefined) yield `${data.file}\n`;
  }
}
