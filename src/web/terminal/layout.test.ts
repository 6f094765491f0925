import assert from "node:assert/strict";
import { describe, it } from "node:test";
import * as layouts from "./layout.ts";

const { activeTab, adopt, close, empty, focus, freshName, names, neighbour, openTab, resize, split, step } = layouts;

describe("the layout of a session's terminals", () => {
  const one = openTab(empty, "main");
  //  main | 2
  //       | 3
  const three = split(split(one, "main", "right", "2"), "2", "below", "3");

  it("splits the pane that is named and gives the new one the keyboard", () => {
    assert.deepEqual(names(three), ["main", "2", "3"]);
    assert.equal(activeTab(three)?.focus, "3");
    assert.equal(three.tabs.length, 1);
  });

  it("finds the neighbour one sees", () => {
    const tree = activeTab(three)?.tree;
    assert.ok(tree);
    assert.equal(neighbour(tree, "main", "right"), "2");
    assert.equal(neighbour(tree, "3", "left"), "main");
    assert.equal(neighbour(tree, "2", "down"), "3");
    assert.equal(neighbour(tree, "3", "up"), "2");
    assert.equal(neighbour(tree, "main", "left"), undefined);
    assert.equal(neighbour(tree, "nobody", "left"), undefined);
  });

  it("gives a closed pane's room and keyboard to what remains, and ends with nothing", () => {
    const two = close(three, "3");
    assert.deepEqual(names(two), ["main", "2"]);
    assert.equal(activeTab(two)?.focus, "main");
    const last = close(close(two, "main"), "2");
    assert.deepEqual(last, empty);
    assert.equal(close(last, "2"), last);
  });

  it("goes to the next tab when the one in view is closed, and round and round by keyboard", () => {
    const tabs = openTab(openTab(one, "a"), "b");
    assert.equal(activeTab(tabs)?.focus, "b");
    assert.equal(activeTab(step(tabs, 1))?.focus, "main");
    assert.equal(activeTab(step(step(tabs, 1), -1))?.focus, "b");
    assert.equal(activeTab(close(tabs, "b"))?.focus, "a");
    assert.equal(activeTab(close(focus(tabs, "main"), "main"))?.focus, "a");
    assert.equal(step(empty, 1), empty);
  });

  it("adds terminals that somebody else began without changing what is in view", () => {
    const more = adopt(one, ["main", "theirs"]);
    assert.deepEqual(names(more), ["main", "theirs"]);
    assert.equal(more.active, one.active);
    assert.equal(activeTab(adopt(empty, ["x"]))?.focus, "x");
  });

  it("names what is new", () => {
    assert.equal(freshName([]), "main");
    assert.equal(freshName(["main", "2"]), "3");
  });

  it("moves a divider, and never to where a pane would be gone", () => {
    const moved = resize(three, three.active, "1", 0.25);
    const tree = activeTab(moved)?.tree;
    assert.ok(tree?.kind === "split" && tree.second.kind === "split");
    assert.deepEqual([tree.share, tree.second.share], [0.5, 0.25]);
    const far = activeTab(resize(three, three.active, "", 7))?.tree;
    assert.ok(far?.kind === "split" && far.share === 0.9);
  });

  it("is shown one pane at a time where there is no room for two", () => {
    const flattened = layouts.flat(three);
    assert.deepEqual(
      flattened.tabs.map((tab) => tab.focus),
      ["main", "2", "3"],
    );
    assert.equal(activeTab(flattened)?.focus, "3");
  });

  it("has a bound", () => {
    let many = one;
    for (let n = 0; n < 100; n += 1) many = openTab(many, `t${n}`);
    assert.equal(names(many).length, layouts.MOST_PANES);
    assert.equal(split(many, "main", "right", "more"), many);
  });
});
