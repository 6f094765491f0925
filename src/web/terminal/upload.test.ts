import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { describe, it } from "node:test";
import { asWords, whereTo } from "./upload.ts";

describe("files dropped on a terminal", () => {
  it("A24: are typed so that a shell takes each for one word and nothing else", () => {
    const paths = ["/a/plain-name.txt", "/a b/it's", "/a/$(id)", "/a/`id`;&|*?~!", '/\u00fcber/"x"', "/a/\\"];
    const shown = execFileSync("/bin/sh", ["-c", `printf '%s\\n' ${asWords(paths)}`], { encoding: "utf8" });
    assert.deepEqual(shown.trimEnd().split("\n"), paths);
    assert.equal(asWords(["/a/b"]), "/a/b ");
  });
  it("are told with the place they have gone to, and why not where the shell is", () => {
    const at = (name: string, note: string | null = null) => ({ name, place: `/project/${name}`, note });
    assert.equal(whereTo([at("a"), at("b")]), "In /project now: a, b");
    assert.equal(whereTo([at("a", "The shell is elsewhere.")]), "The shell is elsewhere. In /project now: a");
    assert.equal(whereTo([]), "");
  });
});
