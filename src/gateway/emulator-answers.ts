// What a viewer's emulator says by itself when a program asks: with several viewers only one of them may answer.
import * as terminal from "../protocol/terminal-answers.ts";

const MOST = 4_096;
/** The mouse was moved, no more: the 32 in a button's number. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: escape sequences begin with one
const MOTION = /^(?:\x1b\[<(\d+);\d+;\d+[Mm])+$/;

/** True if all of it is what an emulator says by itself. */
export function isAnswer(bytes: Buffer): boolean {
  return bytes[0] === 0x1b && bytes.length <= MOST && terminal.isAnswer(bytes.toString("latin1"));
}

/** True if somebody meant it: a key, a paste, a click. */
export function isTyping(bytes: Buffer): boolean {
  if (bytes[0] !== 0x1b || bytes.length > MOST) return bytes.length > 0;
  const text = bytes.toString("latin1");
  const motion = MOTION.exec(text);
  return !terminal.isAnswer(text) && !(motion !== null && (Number(motion[1]) & 32) !== 0);
}
