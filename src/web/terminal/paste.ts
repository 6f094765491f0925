// What becomes of a clipboard's text before it is typed into a terminal, and when a person is asked first.

export interface Paste {
  /** What will be typed: controls other than tab and line break are left out, so that nothing in it acts as a key. */
  text: string;
  /** The characters that were left out, as they came. */
  removed: string;
  /** Ask first: the program takes line breaks for Enter, or it is a great deal. */
  ask: boolean;
}

const GREAT_DEAL = 200_000;
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
const CONTROLS = /[\0-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]/g;

/** `bracketed`: the program has asked to be told what is pasted, and does not take it for typed. */
export function judgePaste(raw: string, bracketed: boolean): Paste {
  const lines = raw.replace(/\r\n?/g, "\n");
  // ESC is among them: a text cannot end the brackets that it is put into.
  const text = lines.replace(CONTROLS, "");
  const ask = text.length > GREAT_DEAL || (!bracketed && text.includes("\n"));
  return { text, removed: lines.match(CONTROLS)?.join("") ?? "", ask };
}
