// The owner's token: 256 random bits in a file that only the owner can read (A16).
import { randomBytes } from "node:crypto";
import { constants } from "node:fs";
import { open } from "node:fs/promises";
import { HostError } from "../protocol/errors.ts";

const FORM = /^[0-9a-f]{64}$/;

/** Reads the token at `path`, or makes one there (0600). Throws `config_refused` if others could read or have planted it. */
export async function loadToken(path: string): Promise<string> {
  const { O_RDWR, O_CREAT, O_NOFOLLOW, O_NONBLOCK } = constants;
  let file: Awaited<ReturnType<typeof open>>;
  try {
    file = await open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK, 0o600);
  } catch (error) {
    throw new HostError("config_refused", `${path} cannot be opened as a plain file: remove it and start again`, {
      cause: error,
    });
  }
  try {
    const stat = await file.stat();
    if (!stat.isFile() || (stat.mode & 0o077) !== 0 || stat.uid !== process.geteuid?.()) {
      throw new HostError(
        "config_refused",
        `${path} is not a file that you alone can read: chmod 600 it, or remove it, and start again`,
      );
    }
    const known = (await file.readFile("utf8")).trim();
    if (FORM.test(known)) return known;
    // Empty or torn: nobody can be using it.
    const token = randomBytes(32).toString("hex");
    await file.truncate(0);
    await file.write(`${token}\n`, 0);
    await file.sync();
    return token;
  } finally {
    await file.close();
  }
}
