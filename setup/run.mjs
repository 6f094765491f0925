// Runs a tool of the set-up out of sight, and keeps the end of what it said in case it fails.
import { spawn } from "node:child_process";

const KEPT = 4_000;

/**
 * Resolves when the tool ends well; rejects with `{ output, code }` on the error otherwise.
 * @param {string} file @param {readonly string[]} args @param {{ cwd: string, env?: NodeJS.ProcessEnv }} options
 */
export function run(file, args, { cwd, env = process.env }) {
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, { cwd, env, stdio: ["ignore", "pipe", "pipe"] });
    let output = "";
    const keep = (chunk) => {
      output = (output + chunk).slice(-KEPT);
    };
    child.stdout.setEncoding("utf8").on("data", keep);
    child.stderr.setEncoding("utf8").on("data", keep);
    child.on("error", (error) => reject(Object.assign(error, { output })));
    child.on("close", (code, signal) => {
      if (code === 0) resolve(output);
      else reject(Object.assign(new Error(`${file} ended with ${signal ?? code}`), { output, code: signal ?? code }));
    });
  });
}
