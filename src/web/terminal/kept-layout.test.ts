import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { loadLayout, parseLayout, pruned, saveLayout } from "./kept-layout.ts";
import { empty, names, openTab, split } from "./layout.ts";

function memory() {
  const kept = new Map<string, string>();
  return {
    getItem: (key: string) => kept.get(key) ?? null,
    setItem: (key: string, value: string) => void kept.set(key, value),
    removeItem: (key: string) => void kept.delete(key),
    key: (n: number) => [...kept.keys()][n] ?? null,
    get length() {
      return kept.size;
    },
  };
}
const layout = openTab(split(openTab(empty, "main"), "main", "below", "2"), "3");

describe("a kept layout", () => {
  it("comes back as it was", () => {
    const storage = memory();
    saveLayout("ses_1", layout, storage);
    assert.deepEqual(loadLayout("ses_1", storage), layout);
    assert.equal(loadLayout("ses_2", storage), null);
    saveLayout("ses_1", empty, storage);
    assert.equal(storage.length, 0);
  });

  it("is judged when it is read: what is no layout is none", () => {
    const texts = ["", "null", "{}", '{"tabs":[]}', '{"tabs":[{"id":"a","tree":{"kind":"pane","name":7}}]}'];
    texts.push('{"tabs":[{"id":"a","tree":{"kind":"split","way":"up"}}]}', `{"tabs":"${"x".repeat(30_000)}"}`);
    for (const text of texts) assert.equal(parseLayout(text), null, text.slice(0, 80));
    const twice = JSON.stringify({ ...layout, tabs: [...layout.tabs, ...layout.tabs] });
    assert.equal(parseLayout(twice), null);
    assert.equal(parseLayout(JSON.stringify({ ...layout, active: "gone" }))?.active, layout.tabs[0]?.id);
  });

  it("loses the panes whose terminals are gone", () => {
    assert.deepEqual(names(pruned(layout, new Set(["2"]))), ["2"]);
    assert.deepEqual(pruned(layout, new Set()).tabs, []);
  });

  it("is kept for a bounded number of sessions", () => {
    const storage = memory();
    for (let n = 0; n < 60; n += 1) saveLayout(`ses_${n}`, layout, storage);
    assert.equal(storage.length, 40);
  });
});
