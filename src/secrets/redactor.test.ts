import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { masked } from "./masked.ts";
import { Redactor } from "./redactor.ts";
import { beside, chance, privateKey, samples } from "./testing/samples.ts";

const redactor = new Redactor();
/** No part of it that would be of use to anybody. */
function assertGone(text: string, secret: string, what: string): void {
  for (let at = 0; at + 12 <= secret.length; at += 4) {
    const part = secret.slice(at, at + 12);
    assert.ok(!text.includes(part), `${what}: ${part} of ${secret} is still in ${JSON.stringify(text.slice(0, 400))}`);
  }
}
const wrapped = (text: string, width: number): string =>
  Array.from({ length: Math.ceil(text.length / width) }, (_, line) =>
    text.slice(line * width, (line + 1) * width),
  ).join("\n");
const everything = { ...samples, ...beside };

describe("redaction by shape and by name", () => {
  it("A47: knows more than fifty kinds of secret, and leaves the text around them", () => {
    assert.ok(Object.keys(everything).length > 50);
    for (const [kind, { text, secret }] of Object.entries(everything)) {
      const clean = redactor.text(`before ${text}\nafter it\n`);
      assertGone(clean, secret, kind);
      assert.match(clean, /^before .*\[redacted: [^\]]+\].*\nafter it\n$/, kind);
      assert.equal(redactor.text(clean), clean, `${kind}: twice is once`);
    }
  });

  it("A47: knows them in base64, wherever they stand in it, in hexadecimal and in an address", () => {
    for (const [kind, { text, secret }] of Object.entries(everything))
      for (const before of ["", "x", "xy"]) {
        const whole = `${before} ${text} and more`;
        const shown = redactor.text(Buffer.from(whole).toString("base64"));
        assertGone(
          Buffer.from(shown.replaceAll(/\[redacted: [^\]]+\]/g, "!"), "base64").toString("latin1"),
          secret,
          `${kind} in base64`,
        );
        const address = redactor.text(encodeURIComponent(whole));
        assertGone(address.replaceAll("%3D", "="), secret, `${kind} in an address`);
        const digits = redactor.text(Buffer.from(whole).toString("hex"));
        assertGone(
          Buffer.from(digits.replaceAll(/\[redacted: [^\]]+\]/g, ""), "hex").toString("latin1"),
          secret,
          `${kind} in hex`,
        );
      }
  });

  it("A47: knows them in base64 and hexadecimal wherever other letters stand before that", () => {
    for (const [kind, { text, secret }] of Object.entries(samples)) {
      const whole = Buffer.from(`it is ${text} and more`);
      const at = whole.indexOf(secret);
      const encoded = whole.toString("base64");
      // What the secret's own bytes decide.
      const inner = encoded.slice(Math.ceil((at * 4) / 3), Math.floor(((at + secret.length) * 4) / 3));
      for (const lead of ["", "Q", "Qk", "QkJ"])
        assertGone(redactor.text(`${lead}${encoded}`), inner, `${kind} after ${lead.length} letters`);
      for (const lead of ["", "a"])
        assertGone(
          redactor.text(`${lead}${whole.toString("hex")}`),
          Buffer.from(secret).toString("hex"),
          `${kind} after ${lead.length} digits`,
        );
    }
  });

  it("A47: knows keys that are wrapped at any usual column", () => {
    for (const [kind, { text, secret }] of Object.entries(samples))
      for (const width of [20, 40, 64, 72, 76, 80, 100, 120]) {
        const clean = redactor.text(`${wrapped(`the key is ${text}`, width)}\n\nand then more text follows here\n`);
        assertGone(clean.replaceAll("\n", ""), secret, `${kind} at ${width}`);
        assert.ok(clean.endsWith("and then more text follows here\n"), kind);
      }
  });

  it("A47: takes a private key out as a whole, also one whose beginning is not there", () => {
    const key = privateKey("one");
    const clean = redactor.text(`cat key\n${key}\ndone\n`);
    assert.equal(clean.replaceAll(/\n+/g, "\n"), "cat key\n[redacted: private key]\ndone\n");
    assert.equal(clean.split("\n").length, key.split("\n").length + 3, "lines keep their numbers");
    assert.equal(redactor.text(key.slice(300)).trim(), "[redacted: private key]");
    assertGone(redactor.text(JSON.stringify({ key })), key.slice(400, 460), "in JSON");
    assertGone(
      redactor.text(Buffer.from(key).toString("base64")),
      Buffer.from(key).toString("base64").slice(400, 460),
      "in base64",
    );
  });

  it("P39: takes the values out of a dump of the environment, by their names", () => {
    const dump = [
      "HOME=/home/me",
      "DB_PASSWORD=three plain words",
      "API_KEY=short",
      "PATH=/usr/bin",
      "MY_TOKEN=t",
      "GPG_KEY=E3FF2839C048B25C084DEBE9B26995E310250568",
      "N=1",
      "SSH_AUTH_SOCK=/tmp/agent",
      "DEPLOY_SECRET='quoted one'",
      "LAST=yes",
    ];
    assert.deepEqual(redactor.text(dump.join("\n")).split("\n"), [
      "HOME=/home/me",
      "DB_PASSWORD=[redacted: DB_PASSWORD]",
      "API_KEY=[redacted: API_KEY]",
      "PATH=/usr/bin",
      "MY_TOKEN=[redacted: MY_TOKEN]",
      dump[5],
      "N=1",
      "SSH_AUTH_SOCK=/tmp/agent",
      "DEPLOY_SECRET='[redacted: DEPLOY_SECRET]'",
      "LAST=yes",
    ]); // prettier-ignore
  });

  it("A47: leaves what is no secret alone", () => {
    const image = chance("image", 4000);
    const ordinary = [
      "commit 3f2a9c8e7d6b5a4f3e2d1c0b9a8f7e6d5c4b3a2f (HEAD -> main)",
      "id 123e4567-e89b-12d3-a456-426614174000 sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
      `"integrity": "sha512-${chance("lock", 86)}==",`,
      `<img src="data:image/png;base64,${image}">`,
      "const token = parser.next(); if (token.kind === Token.Key) return keys[token.index];",
      // biome-ignore lint/suspicious/noTemplateCurlyInString: source code as a program prints it
      "function login(user: string, password: string) { return fetch(`${base}/token?user=${user}`); }",
      "apiKey: string; secretKey?: string; password = getPassword(); token: Token | null,",
      "max_tokens: 4096, next_token: abcdef123456, primary_key: id_12345_x, pad_token=<pad>",
      "http://localhost:3000\nme@example.com https://example.com/a:b@c git@github.com:me/repo.git",
      // biome-ignore lint/suspicious/noTemplateCurlyInString: a command
      "API_KEY=$API_KEY TOKEN=${TOKEN} PASSWORD=$(cat file) SECRET=true SSL_KEY=/etc/ssl/key.pem",
      "task-runner risk-based sk-learn-something disk-usage AKIA glpat- ghp_ eyJ npm_config_registry",
      "Authorization is required. The bearer of this letter. Basic authentication. Password: ********",
    ];
    for (const text of ordinary) assert.equal(redactor.text(text), text);
  });

  it("A47: takes time in proportion to the text, whatever the text is", () => {
    for (const piece of [
      "key=",
      "sk-",
      "://:",
      "a".repeat(50),
      "Bearer ",
      "-----BEGIN ",
      "%41",
      "\x1b[",
      "\n \n",
      "eyJ.",
    ]) {
      const time = (length: number): number => {
        const text = piece.repeat(Math.ceil(length / piece.length));
        const from = process.threadCpuUsage();
        redactor.text(text);
        // Of this thread alone: how busy the machine is does not count.
        const { user, system } = process.threadCpuUsage(from);
        return (user + system) / 1000;
      };
      time(20_000);
      // Ten times the text in a hundred times the work would be quadratic.
      assert.ok(time(200_000) < 60 * Math.max(5, time(20_000)), JSON.stringify(piece));
    }
  });
});

describe("redaction of known values", () => {
  const value = `p@ss "${chance("known", 14)}" 'x'/+`;
  const plain = chance("plain", 24);
  const knowing = new Redactor();
  knowing.learn("MY_SECRET", value);
  knowing.learn("PLAIN_ONE", plain);

  it("A47: finds a value in every way in which a program writes it", () => {
    const ways = {
      itself: value,
      json: JSON.stringify(value),
      twice: JSON.stringify(JSON.stringify(value)),
      address: encodeURIComponent(value),
      form: new URLSearchParams({ q: value }).toString(),
      hex: Buffer.from(value).toString("hex"),
      quoted: `'${value.replaceAll("'", "'\\''")}'`,
      coloured: `${value.slice(0, 5)}\x1b[01;31m\x1b[K${value.slice(5, 12)}\x1b[m${value.slice(12)}`,
      ...Object.fromEntries(
        ["", "a", "ab"].map((before) => [`base64 ${before}`, Buffer.from(`${before}${value}end`).toString("base64")]),
      ),
      ...Object.fromEntries(
        ["", "a", "ab"].map((before) => [
          `base64url ${before}`,
          Buffer.from(`${before}${value}end`).toString("base64url"),
        ]),
      ),
    };
    for (const [way, text] of Object.entries(ways)) {
      const clean = knowing.text(`it is ${text} .`);
      assert.match(clean, /^it is .*\[redacted: MY_SECRET\].* \.$/s, `${way}: ${clean}`);
      assertGone(clean, text.replaceAll(/^["']|["']$/g, ""), way);
      assert.equal(knowing.text(clean), clean, way);
    }
  });

  it("A47: finds a value that is wrapped at any column, and its base64", () => {
    for (const text of [plain, Buffer.from(`first ${plain} last`).toString("base64")])
      for (let width = 1; width < text.length; width++) {
        const clean = knowing.text(`${wrapped(text, width)}\nmore`);
        assert.match(clean, /\[redacted: PLAIN_ONE\]/, `at ${width}: ${clean}`);
        assert.match(clean, /\nmore$/);
      }
  });

  it("A47: half a value at the end of what there is so far is not shown", () => {
    assert.equal(knowing.text(`so far ${plain.slice(0, 12)}`), "so far [redacted: PLAIN_ONE]");
  });

  it("A47: words, paths and short values are no secrets", () => {
    const words = new Redactor();
    words.learnEnvironment({
      A_TOKEN: "short",
      B_KEY: "/home/me/key.pem",
      C_SECRET: "password",
      D_PASSWORD: "aaaaaaaaaaaa",
      HOME: "/home/someone-else",
    });
    const text = "short /home/me/key.pem password aaaaaaaaaaaa /home/someone-else";
    assert.equal(words.text(text), text);
  });

  it("P19: takes them out of arguments, by their names too, and says whether anything was there", () => {
    const args = { command: `echo ${plain}`, env: { API_KEY: "abc123def456" }, n: 1, list: ["x"] };
    assert.deepEqual(knowing.value(args), {
      command: "echo [redacted: PLAIN_ONE]",
      env: { API_KEY: "[redacted: API_KEY]" },
      n: 1,
      list: ["x"],
    });
    const harmless = { command: "ls", n: [1, { a: null }] };
    assert.equal(knowing.value(harmless), harmless);
    assert.deepEqual(knowing.words(["tool", "--password", chance("word", 12), "x"]), [
      "tool",
      "--password",
      "[redacted: password]",
      "x",
    ]);
  });

  it("P19: lets everything through where it is off", () => {
    const off = new Redactor({ on: () => false });
    off.learn("X", plain);
    assert.equal(off.text(`${plain} ${samples.jwt?.text}`), `${plain} ${samples.jwt?.text}`);
  });

  it("P19: covers them byte for byte, so that offsets stay", () => {
    const all = Buffer.from(`ä ${plain}\nnext ${value}\n`);
    const { bytes } = masked(knowing, all, 0, all.length);
    assert.equal(bytes.length, all.length);
    assertGone(bytes.toString(), plain, "masked");
    assert.match(bytes.toString(), /^ä \[redacted: PLAIN_ONE\]\*+\nnext \[redacted: MY_SECRET\]\**\n$/);
  });
});

describe("redaction of a stream", () => {
  const known = chance("stream", 30);
  const own = new Redactor();
  own.learn("STREAMED", known);
  const some = [
    known,
    Buffer.from(known).toString("base64"),
    ...Object.values(everything).map(({ text }) => text),
    "plain words ",
    "\n",
    "\n\n",
    "a=b ",
    "äöü 💥 ",
    `${privateKey("s")}\n`,
    "x".repeat(500),
  ];

  it("A47: gives what the whole text gives, wherever it is split", () => {
    const texts = fc.array(fc.constantFrom(...some, " ", "word "), { minLength: 1, maxLength: 40 });
    fc.assert(
      fc.property(texts, fc.infiniteStream(fc.integer({ min: 1, max: 3000 })), (parts, sizes) => {
        const text = parts.join(" ");
        const stream = own.stream();
        let out = "";
        for (let at = 0; at < text.length; ) {
          const size = sizes.next().value ?? 1;
          out += stream.push(text.slice(at, at + size));
          at += size;
        }
        assert.equal(out + stream.end(), own.text(text));
      }),
      { numRuns: 60, seed: 1 },
    );
  });

  it("A47: finds a secret in two pieces, whatever the split", () => {
    for (const [kind, { text, secret }] of Object.entries(everything))
      for (let at = 1; at < text.length; at++) {
        const stream = redactor.stream();
        const out = stream.push(`so ${text.slice(0, at)}`) + stream.push(`${text.slice(at)} it is`) + stream.end();
        assertGone(out, secret, `${kind} at ${at}`);
      }
  });

  it("A47: shows what has come when nothing comes, but no half of a word", () => {
    const stream = own.stream();
    stream.push(`Ready. ${known.slice(0, 10)}`);
    assert.equal(stream.flush(), "Ready. ");
    stream.push(`${known.slice(10)}\nPassword: `);
    assert.equal(stream.flush(), "[redacted: STREAMED]\nPassword: ");
    stream.push("y/N?");
    assert.equal(stream.flush(), "");
    assert.equal(stream.flush(), "y/N?");
  });

  it("A47: doing it twice changes nothing", () => {
    const between = fc.constantFrom(" ", "\n", "=", ": ", '"', "&", "\n\n", ", ", "; key=", '": "', " API_TOKEN=");
    const part = fc.constantFrom(...some, "[redacted: X]", "abc", "export", "token");
    fc.assert(
      fc.property(fc.array(fc.tuple(part, between), { maxLength: 20 }), (parts) => {
        const clean = own.text(parts.flat().join(""));
        assert.equal(own.text(clean), clean);
      }),
      { numRuns: 200, seed: 2 },
    );
  });
});

describe("redaction under pressure", () => {
  it("A47: Hearth's own secrets are not pushed out by those of processes", () => {
    const many = new Redactor();
    many.learn("token of Hearth", "kd83hd73hs9Dk38fh3Kd9s8e7f6g5h4j");
    for (let n = 0; n < 2_100; n++) many.learnEnvironment({ A_KEY: `value-${n}-of-4711` });
    assert.equal(many.text("kd83hd73hs9Dk38fh3Kd9s8e7f6g5h4j"), "[redacted: token of Hearth]");
    assert.equal(many.text("value-3-of-4711"), "value-3-of-4711", "the bound holds for the others");
  });

  it("A47: knows a key in the name of a file", () => {
    assert.equal(redactor.text(`backup-${samples["github-pat"]?.secret}.txt`), "backup-[redacted: GitHub token].txt");
    assert.equal(
      redactor.text("a task-list, ask-me-anything-12345678901234567890"),
      "a task-list, ask-me-anything-12345678901234567890",
    );
  });

  it("A47: knows what was cut where it is shown, what PHP and Go write, and what has two bytes for a character", () => {
    const known = new Redactor();
    const secret = "kd83hd/3hs9Dk38f&3Kd9s8e7f6g5h4j";
    known.learn("SECRET", secret);
    assert.equal(
      known.text(`it is ${secret.slice(0, -3)}… (300 characters in all)`),
      "it is [redacted: SECRET]… (300 characters in all)",
    );
    assert.equal(
      redactor.text(`it is ${samples["github-pat"]?.secret.slice(0, 20)}…`),
      "it is [redacted: GitHub token]…",
    );
    assert.equal(known.text(`"${secret.replaceAll("/", "\\/")}"`), '"[redacted: SECRET]"');
    assert.equal(known.text(`"${secret.replaceAll("&", "\\u0026")}"`), '"[redacted: SECRET]"');
    for (const text of [[...secret].join("\0"), `${secret.slice(0, 9)}\x07${secret.slice(9)}`])
      assert.match(
        masked(known, Buffer.from(`it is ${text} `), 0, 999).bytes.toString(),
        /^it is \[redacted: SECRET\]\**.? $/,
      );
    assert.equal(known.text(`A_KEY=abc123def\0B=visible`), "A_KEY=[redacted: A_KEY]\0B=visible");
  });
});

describe("what a person is to say yes to", () => {
  it("A36: is not hidden where it could do something", () => {
    for (const command of [
      "true '-----BEGIN PRIVATE KEY-----'; rm -rf ~; : '-----END PRIVATE KEY-----'",
      "echo -----BEGIN PRIVATE KEY-----\nreboot\n-----END PRIVATE KEY-----",
      "ls; A_KEY=x$(rm${IFS}-rf${IFS}~)",
      "env A_KEY=1;rm${IFS}-rf${IFS}~ ls",
      "git clone https://me:x$(reboot)1@example.com/",
      "MY_PASSWORD='a1 && reboot #' make",
    ])
      assert.equal(redactor.decision(command), command);
    assert.deepEqual(redactor.decisions({ token: "a1b2;reboot;c3d4" }), { token: "a1b2;reboot;c3d4" });
  });

  it("P19: is still without the secrets that are nothing else", () => {
    const known = new Redactor();
    known.learn("SPACED", "$(a secret) with; words");
    assert.equal(known.decision("echo '$(a secret) with; words'"), "echo '[redacted: SPACED]'");
    for (const [kind, { text, secret }] of Object.entries(samples))
      if (/^[\w.:/+=~%-]+$/.test(secret)) assertGone(redactor.decision(`run ${text} now`), secret, kind);
    const lines = redactor
      .decision(privateKey("decision"))
      .split("\n")
      .filter((line) => /^[\w+/=]{40,}$/.test(line));
    assert.deepEqual(lines, []);
  });
});
