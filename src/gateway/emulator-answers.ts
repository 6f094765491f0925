// What a viewer's emulator says by itself when a program asks: with several viewers only one of them may answer.

const MOST = 4_096;
/** Attributes, status, cursor, modes, colours, window, focus. Shift+F3 looks like a cursor in the first row: that is a key. */
const ANSWER =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: escape sequences begin with one
  /^(?:\x1b\[(?:\?[\d;]*u|[?>=]?[\d;]*(?:\$y|[cntx])|\??(?!1;[2-8]R)\d+;\d+(?:;\d+)?R|[IO])|\x1bP[^\x1b]*\x1b\\|\x1b\][^\x1b\x07]*(?:\x07|\x1b\\))+$/;
/** The mouse was moved, no more: the 32 in a button's number. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: escape sequences begin with one
const MOTION = /^(?:\x1b\[<(\d+);\d+;\d+[Mm])+$/;

/** True if all of it is what an emulator says by itself. */
export function isAnswer(bytes: Buffer): boolean {
  return bytes[0] === 0x1b && bytes.length <= MOST && ANSWER.test(bytes.toString("latin1"));
}

/** True if somebody meant it: a key, a paste, a click. */
export function isTyping(bytes: Buffer): boolean {
  if (bytes[0] !== 0x1b || bytes.length > MOST) return bytes.length > 0;
  const text = bytes.toString("latin1");
  const motion = MOTION.exec(text);
  return !ANSWER.test(text) && !(motion !== null && (Number(motion[1]) & 32) !== 0);
}
