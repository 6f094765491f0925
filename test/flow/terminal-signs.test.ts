// Titles and bells of a real shell, as those who watch it are told of them.
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { RunningHost } from "../support/running-host.ts";
import { ScreenViewer } from "../support/screen-viewer.ts";

describe("a terminal's titles and bells", () => {
  let host: RunningHost;
  before(async () => {
    host = await RunningHost.start({ SHELL: "/bin/sh", TERM: "dumb" });
  });
  after(() => host[Symbol.asyncDispose]());

  it("T13: are told to all who watch, by a link too, once each; not again by the next host", async () => {
    const client = await host.client();
    const { session_id } = await client.call("session.create", { workspace: host.home });
    const { terminal_id } = await client.call("terminal.open", { session_id });
    const { url } = await client.call("share.create", { terminal_id });
    const events = (await client.call("session.history", { session_id })).seq;
    {
      using one = await ScreenViewer.open(host, terminal_id);
      using other = await ScreenViewer.open(host, terminal_id, undefined, url.split("#watch=")[1]);
      const both = [one, other];
      const told = async (...frames: ScreenViewer["told"]) => {
        for (const viewer of both) {
          await viewer.until(() => viewer.told.length >= frames.length, JSON.stringify(frames));
          assert.deepEqual(viewer.told.splice(0), frames);
        }
      };
      for (const viewer of both) await viewer.until(() => viewer.live, "live screen");
      one.type("printf '\\033]2;first\\007'\r");
      await told({ type: "title", title: "first" });
      one.type("printf '\\a'\r");
      await told({ type: "bell" });
      one.type("printf '\\033]0;second\\033\\\\\\a'\r");
      await told({ type: "title", title: "second" }, { type: "bell" });
      using came = await ScreenViewer.open(host, terminal_id);
      await came.until(() => came.live, "live screen");
      assert.deepEqual([came.title, came.told], ["second", []]);
    }
    // No durable event.
    assert.equal((await client.call("session.history", { session_id })).seq, events);
    await host.kill9();
    await host.restart();
    using later = await ScreenViewer.open(host, terminal_id);
    await later.until(() => later.live, "live screen");
    assert.equal(later.title, "second");
    later.type("printf '\\033]2;third\\007'\r");
    await later.until(() => later.told.length > 0, "the third");
    assert.deepEqual(later.told, [{ type: "title", title: "third" }]);
  });
});
