import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { after, before, describe, it, type TestContext } from "node:test";
import type { HearthClient } from "../../src/client/client.ts";
import { differences } from "../../src/terminals/screen/testing/compare.ts";
import { RunningHost } from "../support/running-host.ts";
import { ScreenViewer } from "../support/screen-viewer.ts";

function has(program: string): boolean {
  try {
    execFileSync("/bin/sh", ["-c", `command -v ${program}`]);
    return true;
  } catch {
    return false;
  }
}

/** False: the test is skipped. With everything to be tested, what is missing is an error. */
function needs(t: TestContext, program: string): boolean {
  if (has(program)) return true;
  if (process.env.HEARTH_TEST_ALL === "1") throw new Error(`${program} is not installed`);
  t.skip(`${program} is not installed`);
  return false;
}

describe("a terminal's screen", () => {
  let host: RunningHost;
  let client: HearthClient;
  let folder: string;
  before(async () => {
    host = await RunningHost.start({ SHELL: "/bin/sh", TERM: "dumb" });
    client = await host.client();
    folder = path.join(host.home, "work");
    await mkdir(folder);
  });
  after(() => host[Symbol.asyncDispose]());

  async function open(name: string, size = { rows: 24, cols: 80 }): Promise<{ id: string; stayed: ScreenViewer }> {
    const { session_id } = await client.call("session.create", { workspace: folder });
    const { terminal_id } = await client.call("terminal.open", { session_id, name, workspace: folder, ...size });
    const stayed = await ScreenViewer.open(host, terminal_id, 0);
    stayed.type("PS1='ready> '; unset PROMPT_COMMAND; export LC_ALL=C.UTF-8; clear\r");
    await stayed.shows(/^ready>/);
    return { id: terminal_id, stayed };
  }

  /** Comes anew, and compares when both have seen the same bytes; as often as a full screen keeps changing. */
  async function compare(id: string, stayed: ScreenViewer): Promise<void> {
    using came = await ScreenViewer.open(host, id);
    await came.until(() => came.live, "live screen");
    assert.deepEqual([came.snapshots, came.replays], [1, 0]);
    const same = () => came.offset === stayed.offset;
    for (let attempt = 0; !same() && attempt < 200; attempt++) {
      const behind = came.offset < stayed.offset ? came : stayed;
      const other = behind === came ? stayed : came;
      await behind.until(() => behind.offset >= other.offset, "the same bytes");
    }
    assert.ok(same(), "both at the same byte");
    assert.deepEqual(differences(stayed.emulator.core, came.emulator.core, stayed.emulator.size.cols), []);
    assert.equal(came.emulator.title, stayed.emulator.title);
  }

  /** Each step is keys, and what is to be seen then; in between somebody new comes. */
  async function drive(
    name: string,
    steps: readonly [keys: string, seen: string | RegExp][],
    size?: { rows: number; cols: number },
  ) {
    const { id, stayed } = await open(name, size);
    using viewer = stayed;
    for (const [keys, seen] of steps) {
      viewer.type(keys);
      await viewer.shows(seen);
      await compare(id, viewer);
    }
  }

  it("T9: vim is shown to a new viewer as to one that never left", async (test) => {
    if (!needs(test, "vim")) return;
    await writeFile(
      path.join(folder, "text.txt"),
      Array.from({ length: 300 }, (_, at) => `line ${at} 漢字 é 👩‍👩‍👧 ${"x".repeat(at % 90)}`).join("\n"),
    );
    await drive("vim", [
      ["vim -N -u NONE text.txt\r", /^line 0/],
      [":set number ruler laststatus=2 | syntax on\r", /1 line 0/],
      ["\x04\x04", /line 2\d/],
      ["5ihello \x1b", /hello hello/],
      [":split\r", /text\.txt.*\d+,\d+/],
      ["G", /line 299/],
      [":%s/line/LINE/g\r", /300 substitutions/],
      ["/LINE 1\r", /LINE 1/],
      [":qa!\r", /^ready>/],
    ]);
  });
  it("T9: less, with what it leaves behind", async (test) => {
    if (!needs(test, "less")) return;
    await drive("less", [
      [
        "seq 1 400 | sed 's/^/\x1b[32mnumber\x1b[0m /' > n.txt; less -R n.txt\r".replaceAll("\x1b", "\\x1b"),
        /number 1$/,
      ],
      [" ", /number 3\d/],
      ["/200\r", /number 200/],
      ["G", /number 400/],
      ["q", /^ready>/],
    ]);
  });
  it("T9: htop, which never stands still", async (test) => {
    if (!needs(test, "htop")) return;
    await drive(
      "htop",
      [
        ["htop -d 2\r", /F1Help/],
        ["\x1bOC\x1bOC", /F10Quit/],
        ["t", /F10Quit/],
        ["q", /^ready>/],
      ],
      { rows: 40, cols: 120 },
    );
  });
  it("T9: tmux, with two panes and a status line", async (test) => {
    if (!needs(test, "tmux")) return;
    await drive("tmux", [
      [`tmux -L hearth-test-${process.pid} -f /dev/null new-session 'PS1="inner> " sh'\r`, /^inner>/],
      ["echo one two\r", /^one two/],
      ["\x02%", /│/],
      ["seq 1 50\r", /\b50\b/],
      ["\x02:", /^:/],
      ["kill-server\r", /^\[server exited\]/],
    ]);
  });
  it("T9: a progress bar, colours, wide and combining characters, wrapped lines, and its scrollback", async () => {
    await writeFile(
      path.join(folder, "show.sh"),
      `i=0; while [ $i -le 100 ]; do printf '\\r[%-50s] %d%%' "$(printf "%*s" $((i/2)) '' | tr ' ' '#')" $i; i=$((i+1)); done; echo
i=0; while [ $i -lt 200 ]; do printf '\\033[48;2;%d;%d;%dm \\033[38;2;9;%d;7m#\\033[0m' $i $((255-i)) 128 $i; i=$((i+1)); done; echo
printf '漢字かな交じり文が端末の幅を超えて続いていく長い行になるように書いてあるのでここで折り返されるはずですよね、そうでしょう\\n'
printf 'e\\314\\201 a\\314\\212\\314\\200 👨‍👩‍👧‍👦 🇩🇪🇫🇷 ❤️ 한글 ｈａｌｆ ｱｲｳ \\033[4:3;58:2::255:0:0mcurly\\033[0m \\033[9mstruck\\033[0m\\n'
printf '\\033]2;a title\\007\\033]8;;https://example.org/\\007a link\\033]8;;\\007\\n'
seq 1 300
printf '\\033[?2004h\\033[?1h\\033[?25l\\033[5 q\\033[3;10r\\033[5;5Hinside'; printf '\\0337\\033[8;1Hdone %s' now
`,
    );
    const { id, stayed } = await open("show");
    using viewer = stayed;
    viewer.type("sh show.sh\r");
    for (let at = 0; at < 5; at++) await compare(id, viewer);
    await viewer.shows(/done now/);
    await compare(id, viewer);
    assert.ok(viewer.emulator.core.buffers.normal.ybase > 250);
  });
  it("T9: a size that changes is drawn alike by those who came before and after", async () => {
    const { id, stayed } = await open("sizes");
    using viewer = stayed;
    viewer.type("seq -s ' ' 1 400; echo end\r");
    await viewer.shows(/^end/);
    for (const [rows, cols] of [
      [30, 120],
      [12, 40],
      [24, 81],
    ] as const) {
      viewer.say({ type: "resize", rows, cols });
      await viewer.until(() => viewer.emulator.size.cols === cols, "the new size");
      viewer.type("stty size; echo again\r");
      await viewer.shows(new RegExp(`^${rows} ${cols}`));
      await compare(id, viewer);
    }
  });
  it("T9, T11: after kill -9 of the host the screen is the same", async () => {
    const { id, stayed } = await open("killed");
    using viewer = stayed;
    viewer.say({ type: "resize", rows: 20, cols: 70 });
    await viewer.until(() => viewer.emulator.size.cols === 70, "the new size"); // after the kill nobody tells it
    viewer.type("printf '\\033[?1049h\\033[31mred\\033[5;5H\\033[?2004hhere'\r");
    await viewer.shows(/hereready>/);
    await host.kill9();
    await host.restart();
    client = await host.client();
    using came = await ScreenViewer.open(host, id);
    await came.shows(/hereready>/);
    await came.until(() => came.offset === viewer.offset, "the same bytes");
    assert.deepEqual(differences(viewer.emulator.core, came.emulator.core, 70), []);
  });
});
