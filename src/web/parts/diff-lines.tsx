// What a write would change, line by line: a sign and a colour for what goes and what comes, and nothing in it unseen.
import { memo, useMemo } from "react";
import { diffRows } from "../../client/diff.ts";
import { ExactText } from "./exact-text.tsx";

const looks: Readonly<Record<string, string>> = {
  "+": "bg-good/12 text-ink",
  "-": "bg-bad/10 text-ink",
  "@": "text-faint select-none",
  "\\": "text-faint italic select-none",
};
const signs: Readonly<Record<string, string>> = { "+": "text-good", "-": "text-bad" };
const spoken: Readonly<Record<string, string>> = { "+": "added", "-": "removed" };

/** `diff`: unified, without its head. Of more rows than `most` the first are shown, and how many more there are. */
export const DiffLines = memo(function DiffLines({ diff, most = Infinity }: { diff: string; most?: number }) {
  const all = useMemo(() => diffRows(diff), [diff]);
  // "1 more line" would take the place of that line.
  const rows = all.length <= most + 1 ? all : all.slice(0, most);
  return (
    <div data-testid="diff" className="-mx-4">
      {rows.map(({ mark, text }, at) => (
        <div
          // A diff never changes under a card: a row's place is its identity.
          // biome-ignore lint/suspicious/noArrayIndexKey: see above
          key={at}
          data-mark={mark}
          className={`flex px-4 ${looks[mark] ?? "text-soft"}`}
        >
          {mark === "@" || mark === "\\" ? (
            <span className="text-2xs">{mark === "@" ? lineOf(text) : text.trim()}</span>
          ) : (
            <>
              <span className={`w-4 flex-none font-semibold select-none ${signs[mark] ?? ""}`} aria-hidden="true">
                {mark}
              </span>
              {spoken[mark] !== undefined && <span className="sr-only">{spoken[mark]}: </span>}
              <span className="min-w-0 flex-1">{text === "" ? "\u00a0" : <ExactText text={text} />}</span>
            </>
          )}
        </div>
      ))}
      {rows.length < all.length && (
        <div className="px-4 text-2xs text-faint select-none">
          {(all.length - rows.length).toLocaleString("en")} more lines
        </div>
      )}
    </div>
  );
});

/** `@ -3,6 +3,7 @@` as a person says it. */
function lineOf(where: string): string {
  const line = /\+(\d+)/.exec(where)?.[1];
  return line === undefined ? where : `line ${line}`;
}
