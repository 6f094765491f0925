// Whether terminals tell a screen reader what they show, line by line; for all of them on this page, kept in this browser.
import { type Store, store } from "../store.ts";

const KEY = "hearth.terminal.reader";

export function readerStore(storage: Pick<Storage, "getItem" | "setItem" | "removeItem"> = localStorage) {
  const state: Store<{ on: boolean }> = store({ on: storage.getItem(KEY) === "on" });
  const toggle = () => {
    const on = !state.get().on;
    // Off by default: telling all that is printed costs time, and a flood of it helps nobody.
    if (on) storage.setItem(KEY, "on");
    else storage.removeItem(KEY);
    state.set({ on });
  };
  return { state, toggle };
}
export type Reader = ReturnType<typeof readerStore>;
