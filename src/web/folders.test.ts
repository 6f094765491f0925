import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { SessionRow } from "../protocol/rows.ts";
import { recentFolders } from "./folders.ts";

const rows = (...all: readonly (readonly [string, number])[]) =>
  all.map(([workspace, updated_at]) => ({ workspace, updated_at })) as SessionRow[];

describe("the folders a person works in", () => {
  it("are offered once each, the latest first, without the one where one is", () => {
    assert.deepEqual(recentFolders(rows(["/a", 1], ["/b", 3], ["/a", 2], ["/c", 0], ["/d", 9]), "/d"), [
      "/b",
      "/a",
      "/c",
    ]);
    assert.equal(recentFolders(rows(...Array.from({ length: 20 }, (_, n) => [`/${n}`, n] as const)), null).length, 6);
  });
});
