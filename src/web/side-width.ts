// How wide what stands beside the conversation is: as it was dragged, kept in this browser.

const KEY = "hearth.side.width";
/** Some 40 columns of a terminal. */
const LEAST = 320;
const MOST = 2_400;

type Keep = Pick<Storage, "getItem" | "setItem" | "removeItem">;

/** In CSS pixels; null: the usual width. */
export function keptWidth(storage: Keep = localStorage): number | null {
  const kept = Number(storage.getItem(KEY) ?? Number.NaN);
  return kept >= LEAST && kept <= MOST ? kept : null;
}

/** The width that counts of the one asked for; null is the usual one again. */
export function keepWidth(asked: number | null, storage: Keep = localStorage): number | null {
  const width = asked === null ? null : Math.round(Math.min(MOST, Math.max(LEAST, asked)));
  try {
    if (width === null) storage.removeItem(KEY);
    else storage.setItem(KEY, String(width));
  } catch (error) {
    // Full, or forbidden in this window: it then lasts as long as the page.
    console.info("the width was not kept", error);
  }
  return width;
}
