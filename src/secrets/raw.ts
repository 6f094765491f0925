// What a program wrote, marked so that it compiles nowhere but in the redactor: a path that forgets to redact is a type error.

declare const raw: unique symbol;

/** Text as a program wrote it. It is no string: only `Redactor.clear` makes one of it. */
export interface RawText {
  readonly [raw]: true;
}

/** Marks text as raw. */
export const rawText = (text: string): RawText => text as unknown as RawText;

/** Changes raw text into other raw text. */
export const tidied = (raw: RawText, tidy: (text: string) => string): RawText =>
  rawText(tidy(raw as unknown as string));
export const rawLength = (raw: RawText): number => (raw as unknown as string).length;
export const joined = (...raws: RawText[]): RawText => rawText((raws as unknown as string[]).join(""));
