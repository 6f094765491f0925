// A reporter for the whole suite: one line per file, every failure in full, and the counts as node's own reporters print them.
import { relative } from "node:path";
import { inspect } from "node:util";

const counts = /^(tests|suites|pass|fail|cancelled|skipped|todo|duration_ms) [\d.]+$/;
const shortPath = (file) => (file === undefined ? "" : relative(process.cwd(), file));
const place = ({ file, line }) => `${shortPath(file)}${line === undefined ? "" : `:${line}`}`;

class Report {
  #failures = [];
  #skipped = [];
  #perFile = new Map();

  /** A test that passed or failed. Suites count only where they themselves failed, not for what is in them. */
  test(passed, data) {
    const error = data.details?.error;
    if (error?.failureType === "subtestsFailed" || (passed && data.details?.type === "suite")) return "";
    const seen = this.#perFile.get(data.file) ?? { pass: 0, fail: 0 };
    this.#perFile.set(data.file, seen);
    seen[passed ? "pass" : "fail"] += 1;
    if (data.skip !== undefined && data.skip !== false)
      this.#skipped.push(`${data.name} (${place(data)}): ${data.skip}`);
    if (passed) return "";
    const text = `✖ ${data.name} (${place(data)})\n${reasonOf(error).replace(/^/gm, "    ")}\n`;
    this.#failures.push(text);
    return text;
  }

  file({ file, success, duration_ms }) {
    const { pass, fail } = this.#perFile.get(file) ?? { pass: 0, fail: 0 };
    const failed = fail > 0 ? `, ${fail} FAILED` : "";
    return `${success ? "✔" : "✖"} ${shortPath(file)}: ${pass} passed${failed} (${(duration_ms / 1000).toFixed(1)} s)\n`;
  }

  /** The last diagnostics of a run: "tests 12", "pass 12", … */
  count(message) {
    if (!message.startsWith("tests ")) return `# ${message}\n`;
    const skipped = this.#skipped.length > 0 ? `\nSkipped:\n${this.#skipped.map((one) => `  ${one}\n`).join("")}` : "";
    const failures = this.#failures.length > 0 ? `\nFailures again:\n${this.#failures.join("")}` : "";
    return `${skipped}${failures}\n# ${message}\n`;
  }
}

function reasonOf(error) {
  // The runner wraps what a test threw; the wrapping says nothing.
  const cause = error?.code === "ERR_TEST_FAILURE" && error.cause !== undefined ? error.cause : error;
  return typeof cause === "string" ? cause : inspect(cause, { colors: false, depth: 4 });
}

export default async function* report(source) {
  const all = new Report();
  for await (const { type, data } of source) {
    if (type === "test:pass" || type === "test:fail") yield all.test(type === "test:pass", data);
    else if (type === "test:summary" && data.file !== undefined) yield all.file(data);
    else if (type === "test:stderr" || type === "test:stdout") yield data.message;
    else if (type === "test:diagnostic" && data.nesting === 0 && counts.test(data.message))
      yield all.count(data.message);
  }
}
