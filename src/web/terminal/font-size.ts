// How large terminals write, for all of them on this page; kept in this browser.
import { type Store, store } from "../store.ts";

const KEY = "hearth.terminal.font";
export const USUAL = 13;
const LEAST = 8;
const MOST = 32;

export function fontStore(storage: Pick<Storage, "getItem" | "setItem" | "removeItem"> = localStorage) {
  const kept = Number(storage.getItem(KEY));
  const state: Store<{ size: number }> = store({ size: kept >= LEAST && kept <= MOST ? kept : USUAL });
  const set = (size: number) => {
    const within = Math.min(MOST, Math.max(LEAST, Math.round(size)));
    if (within === USUAL) storage.removeItem(KEY);
    else storage.setItem(KEY, String(within));
    state.set({ size: within });
  };
  return { state, by: (step: number) => set(state.get().size + step), reset: () => set(USUAL) };
}
export type Font = ReturnType<typeof fontStore>;
