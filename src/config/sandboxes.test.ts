import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { readSandboxes } from "./sandboxes.ts";

function read(sandboxes: unknown): { found: ReturnType<typeof readSandboxes>; warnings: string[] } {
  const warnings: string[] = [];
  const file = { path: "/etc/hearth/config.toml", content: { sandboxes } };
  const found = readSandboxes({ HOME: "/home/me" }, file, (text) => warnings.push(text));
  return { found, warnings };
}

describe("sandboxes of the settings", () => {
  it("P6: are read with what they leave out, and with whole paths", () => {
    const { found, warnings } = read({
      box: { kind: "bubblewrap", read: ["~/.cargo", "shared"] },
      pod: { kind: "container", image: "alpine" },
      far: { kind: "ssh", host: "me@server" },
      own: { kind: "module", file: "own.mjs" },
    });
    assert.deepEqual(warnings, []);
    const { box, pod, far, own } = found;
    assert.ok(box?.kind === "bubblewrap" && pod?.kind === "container" && far?.kind === "ssh" && own?.kind === "module");
    assert.deepEqual(box.read, ["/home/me/.cargo", "/etc/hearth/shared"]);
    assert.deepEqual([box.network, box.agent, pod.program, far.keeper], [true, true, undefined, true]);
    assert.equal(own.file, "/etc/hearth/own.mjs");
  });

  it("P39: a wrong one is named with what it takes, and left out whole", () => {
    const wrong: Record<string, [unknown, RegExp]> = {
      Big: [{ kind: "bubblewrap" }, /small letters/],
      local: [{ kind: "bubblewrap" }, /not local/],
      none: [{}, /one of bubblewrap, container, ssh, command, module/],
      typo: [{ kind: "bubblewrap", netwerk: false }, /netwerk/],
      type: [{ kind: "bubblewrap", network: "no" }, /network/],
      both: [{ kind: "container", image: "a", container: "b" }, /either an image or/],
      neither: [{ kind: "container" }, /either an image or/],
      option: [{ kind: "ssh", host: "-oProxyCommand=id" }, /host/],
      outside: [{ kind: "command", argv: ["ssh", "x", "sh"] }, /inside/],
      flat: ["bubblewrap", /section/],
    };
    for (const [name, [content, says]] of Object.entries(wrong)) {
      const { found, warnings } = read({ [name]: content });
      assert.deepEqual(found, {}, name);
      assert.equal(warnings.length, 1, name);
      assert.match(warnings[0] ?? "", says);
      assert.match(warnings[0] ?? "", /It is ignored\.$/);
    }
    assert.deepEqual(read({ box: { kind: "bubblewrap" }, bad: {} }).found.box?.kind, "bubblewrap");
  });
});
