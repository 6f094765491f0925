// Holds the shape of the source: who may import whom, and the few things that have no place anywhere in it.
import assert from "node:assert/strict";
import { cpSync, existsSync, globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, posix, relative, resolve, sep } from "node:path";
import { after, before, describe, it } from "node:test";

const root = resolve(import.meta.dirname, "..");

/** What each part may import beside itself. */
const below: Readonly<Record<string, readonly string[]>> = {
  protocol: [],
  threads: [],
  log: ["protocol", "threads"],
  models: ["secrets", "protocol"],
  keeper: ["protocol"],
  regex: ["protocol"],
  secrets: ["regex", "protocol"],
  config: ["regex", "protocol"],
  limits: ["protocol"],
  sandboxes: ["keeper", "protocol"],
  processes: ["keeper", "limits", "log", "protocol", "regex", "sandboxes", "secrets", "threads"],
  terminals: ["processes", "keeper", "limits", "log", "protocol", "threads"],
  tools: ["processes", "terminals", "keeper", "log", "secrets", "protocol"],
  turns: ["tools", "models", "processes", "terminals", "keeper", "log", "secrets", "protocol"],
  gateway: ["turns", "tools", "models", "processes", "terminals", "keeper", "log", "secrets", "protocol"],
  client: ["protocol"],
  web: ["client", "protocol"],
  cli: ["client", "config", "limits", "protocol", "sandboxes"],
};
/** Packages that a part may not do without naming it here: the protocol is everybody's, so it carries nothing else. */
const packagesOf: Readonly<Record<string, readonly string[]>> = { protocol: ["zod"] };
/** `up` starts the host; nothing else of the command line may be weighed down by it. */
const exceptions: Readonly<Record<string, readonly string[]>> = { "src/cli/up.ts": ["src/host.ts"] };
const LONGEST = 500;

interface Import {
  specifier: string;
  line: number;
}

/** Import specifiers of a source text: static, type, side effect, re-export, dynamic, import types, and worker URLs. */
function importsOf(text: string): Import[] {
  const source = withoutComments(text);
  const patterns = [
    /\b(?:import|export)\s+(?:type\s+)?(?:[\w*{}\s,$]+?\s+from\s*)?["']([^"']+)["']/g,
    /\bimport\s*\(\s*["'`]([^"'`]+)["'`]/g,
    /\bnew\s+URL\(\s*["'`](\.[^"'`]+\.[cm]?[jt]sx?)["'`]\s*,\s*import\.meta\.url/g,
    /\brequire\s*\(\s*["'`]([^"'`]+)["'`]/g,
  ];
  return patterns.flatMap((pattern) =>
    [...source.matchAll(pattern)].map((match) => ({
      specifier: match[1] ?? "",
      line: source.slice(0, match.index).split("\n").length,
    })),
  );
}

/** Comments replaced by blanks of the same length; strings are left alone, so that "//" in an address is no comment. */
function withoutComments(text: string): string {
  return text.replace(
    /("(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|`(?:\\.|[^`\\])*`)|\/\*[\s\S]*?\*\/|\/\/[^\n]*/g,
    (whole, string: string | undefined) => string ?? whole.replace(/[^\n]/g, " "),
  );
}

/** Neither comments nor what stands in strings: for looking at the code alone. */
function codeOf(text: string): string {
  return withoutComments(text).replace(
    /"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'/g,
    (string) => `"${" ".repeat(string.length - 2)}"`,
  );
}

const partOf = (file: string): string => (file.split("/").length > 2 ? (file.split("/")[1] ?? "") : "");
const isTest = (file: string): boolean => /\.test\.tsx?$|\/(testing|fixtures)\//.test(file);
const sourcesOf = (directory: string): string[] =>
  globSync("src/**/*.{ts,tsx}", { cwd: directory })
    .map((file) => file.split(sep).join("/"))
    .filter((file) => !file.endsWith(".d.ts"))
    .sort();

/** Everything that is wrong with the imports of the sources below `directory`, one sentence each. */
function importTrouble(directory: string): string[] {
  return sourcesOf(directory).flatMap((file) => {
    const found = importsOf(readFileSync(join(directory, file), "utf8"));
    return found.flatMap(({ specifier, line }) => {
      const trouble = troubleWith(directory, file, specifier);
      return trouble === undefined ? [] : [`${file}:${line} ${trouble}`];
    });
  });
}

function troubleWith(directory: string, file: string, specifier: string): string | undefined {
  const part = partOf(file);
  if (!specifier.startsWith(".")) {
    const allowed = packagesOf[part];
    if (allowed === undefined || isTest(file) || allowed.includes(specifier)) return undefined;
    return `imports the package ${specifier}: ${part} may use only ${allowed.join(", ")}`;
  }
  const target = posix.join(posix.dirname(file), specifier.replace(/\?.*$/, ""));
  if (!/\.(ts|tsx|mjs|css|svg|json)$/.test(target)) return `imports ${specifier} without its ending`;
  if (!existsSync(join(directory, target))) return `imports ${specifier}, which does not exist`;
  if (part === "" || exceptions[file]?.includes(target)) return undefined;
  if (!target.startsWith("src/")) {
    // Tests may use what tests share; the product is what is in src.
    return isTest(file) || part === "web" ? undefined : `imports ${target}, which is not below src`;
  }
  const other = partOf(target);
  if (other === part) return isTest(target) && !isTest(file) ? `imports the test helper ${target}` : undefined;
  const known = below[part];
  if (known === undefined) return `belongs to ${part}, which no layer knows: add it to the table`;
  if (known.includes(other)) return undefined;
  // A test of a part may put a part above it together; `host.ts` is the sum of them all.
  return `imports ${target}: ${part} may import only ${known.join(", ") || "nothing"}`;
}

describe("the architecture", () => {
  it("lets each part import only what is below it", () => {
    assert.deepEqual(importTrouble(root), []);
  });

  it("has a layer for every part", () => {
    const parts = new Set(
      sourcesOf(root)
        .map(partOf)
        .filter((part) => part !== ""),
    );
    assert.deepEqual(
      [...parts].filter((part) => below[part] === undefined),
      [],
    );
  });

  describe("where somebody plants an import", () => {
    let copy: string;
    before(() => {
      copy = mkdtempSync(join(tmpdir(), "hearth-architecture-"));
      for (const file of sourcesOf(root)) {
        mkdirSync(join(copy, dirname(file)), { recursive: true });
        cpSync(join(root, file), join(copy, file));
      }
    });
    after(() => rmSync(copy, { recursive: true, force: true }));

    const planted: readonly (readonly [string, string, RegExp])[] = [
      ["src/log/planted.ts", 'import { openLog } from "../turns/turns.ts";\n', /log may import only protocol, threads/],
      ["src/log/planted.ts", 'import type { Turns } from "../turns/turns.ts";\n', /log may import only protocol/],
      ["src/client/planted.ts", 'export * from "../log/event-log.ts";\n', /client may import only protocol/],
      ["src/cli/planted.ts", 'const part = await import("../log/event-log.ts");\nvoid part;\n', /cli may import only/],
      ["src/cli/planted.ts", 'const host = await import("../host.ts");\nvoid host;\n', /cli may import only/],
      ["src/processes/planted.ts", 'let row: import("../turns/state.ts").Entry;\n', /processes may import only/],
      [
        "src/web/planted.tsx",
        'import { Config } from "../config/config.ts";\n',
        /web may import only client, protocol/,
      ],
      [
        "src/web/planted.ts",
        'const w = new Worker(new URL("../log/event-log.ts", import.meta.url));\n',
        /web may import only/,
      ],
      ["src/protocol/planted.ts", 'import { WebSocket } from "ws";\n', /may use only zod/],
      ["src/log/planted.ts", 'import { Recorded } from "../protocol/events";\n', /without its ending/],
      ["src/log/planted.ts", 'import { x } from "./gone.ts";\n', /does not exist/],
      ["src/another/planted.ts", 'import { x } from "../protocol/events.ts";\n', /no layer knows/],
    ];
    for (const [file, text, trouble] of planted) {
      it(`fails for ${text.split("\n")[0]} in ${dirname(file)}`, () => {
        mkdirSync(join(copy, dirname(file)), { recursive: true });
        writeFileSync(join(copy, file), text);
        try {
          const found = importTrouble(copy).filter((sentence) => sentence.startsWith(file));
          assert.equal(found.length, 1);
          assert.match(found[0] ?? "", trouble);
        } finally {
          rmSync(join(copy, file));
        }
      });
    }
  });

  it("reads no import where there is only text or a comment", () => {
    const text = '// import "../turns/turns.ts"\n/* import("x") */\nconst a = "http://x"; import b from "./b.ts";\n';
    assert.deepEqual(importsOf(text), [{ specifier: "./b.ts", line: 3 }]);
  });
});

describe("the source", () => {
  const each = (pattern: RegExp, but: (file: string) => boolean = () => false): string[] =>
    sourcesOf(root)
      .filter((file) => !but(file))
      .flatMap((file) => {
        const code = codeOf(readFileSync(join(root, file), "utf8"));
        return [...code.matchAll(pattern)].map((match) => `${file}:${code.slice(0, match.index).split("\n").length}`);
      });

  it("reads the environment in one place", () => {
    const allowed = (file: string): boolean => file === "src/config/environment.ts" || isTest(file);
    assert.deepEqual(each(/\bprocess\.env\b|\benv\s*[,}][^;\n]*=\s*process\b|from "node:process"/g, allowed), []);
  });

  it("starts threads in one place", () => {
    const allowed = (file: string): boolean => file === "src/threads/host-thread.ts" || isTest(file);
    assert.deepEqual(each(/\bnew Worker\(/g, allowed), []);
  });

  it("needs no compiler: no enum, no namespace, no parameter property", () => {
    assert.deepEqual(each(/^\s*(?:export\s+)?(?:declare\s+)?(?:const\s+)?(?:enum|namespace)\s+\w+/gm), []);
    assert.deepEqual(each(/constructor\((?:[^)]*,)?\s*(?:public|private|protected|readonly)\s+\w+\s*\??:/g), []);
  });

  it("swallows no error in silence", () => {
    // By the text with its comments: a reason in the block is what makes it no silence.
    const silent = sourcesOf(root).flatMap((file) => {
      const text = readFileSync(join(root, file), "utf8");
      return [
        ...text.matchAll(/\bcatch\s*(?:\([^)]*\))?\s*\{\s*\}|\.catch\(\s*\(\s*\w*\s*\)\s*=>\s*\{\s*\}\s*\)/g),
      ].map((match) => `${file}:${text.slice(0, match.index).split("\n").length}`);
    });
    assert.deepEqual(silent, []);
  });

  it(`has no file of more than ${LONGEST} lines`, () => {
    const long = sourcesOf(root).filter(
      (file) => readFileSync(join(root, file), "utf8").split("\n").length - 1 > LONGEST,
    );
    assert.deepEqual(long, []);
  });

  it("says in its first line why each module exists", () => {
    const silent = sourcesOf(root).filter(
      (file) => !isTest(file) && !/^(\/\/|\/\*)/.test(readFileSync(join(root, file), "utf8")),
    );
    assert.deepEqual(silent, []);
  });

  it("has a README in every part that answers what for, where to start, what goes in and out, what is always true", () => {
    const missing = Object.keys(below).filter((part) => {
      const readme = join(root, "src", part, "README.md");
      return existsSync(join(root, "src", part)) && !existsSync(readme);
    });
    assert.deepEqual(missing, []);
  });

  it("has no test that runs alone or is skipped without a reason", () => {
    const tests = [...globSync("{src,test,setup}/**/*.test.{ts,tsx}", { cwd: root })].sort();
    const wrong = tests.flatMap((file) => {
      const code = withoutComments(readFileSync(join(root, file), "utf8"));
      const found = [
        ...code.matchAll(
          /\b(?:it|test|describe|suite)\.(?:only|skip|todo)\b|\b(?:only|skip|todo):\s*true\b|\.(?:skip|todo)\(\s*\)/g,
        ),
      ];
      return found.map(
        (match) => `${relative(root, join(root, file))}:${code.slice(0, match.index).split("\n").length}`,
      );
    });
    assert.deepEqual(wrong, []);
  });
});
