import assert from "node:assert/strict";
import { describe, it, type TestContext } from "node:test";
import { checkLogin, login, watched } from "./browser.ts";

/** A page whose host takes requests and never answers; `late` is when its patience is over. */
function stuck(t: TestContext) {
  const late = new AbortController();
  const asked = Promise.withResolvers<void>();
  const names = ["localStorage", "location", "history"] as const;
  const before = names.map((name) => Object.getOwnPropertyDescriptor(globalThis, name));
  const [localStorage, location, history] = [
    { getItem: () => "secret", setItem: () => undefined },
    { hash: "#ticket=a", pathname: "/", search: "" },
    { replaceState: () => undefined },
  ];
  for (const [name, value] of Object.entries({ localStorage, location, history }))
    Object.defineProperty(globalThis, name, { value, configurable: true });
  t.after(() => {
    for (const [index, name] of names.entries())
      Object.defineProperty(globalThis, name, before[index] ?? { value: undefined, configurable: true });
  });
  t.mock.method(AbortSignal, "timeout", () => late.signal);
  t.mock.method(globalThis, "fetch", (_: string, { signal }: { signal: AbortSignal }) => {
    asked.resolve();
    return new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
  });
  return { asked: asked.promise, giveUp: () => late.abort(new DOMException("timed out", "TimeoutError")) };
}

describe("a host that takes a request and does not answer", () => {
  it("is not waited for by who looks whether a login still counts", async (t) => {
    const host = stuck(t);
    const found = checkLogin();
    await host.asked;
    host.giveUp();
    assert.equal(await found, "unreachable");
  });

  it("is named to whoever logs in or opens a link to watch", async (t) => {
    for (const ask of [login, () => watched("secret")]) {
      const host = stuck(t);
      const found = ask();
      await host.asked;
      host.giveUp();
      await assert.rejects(found, /nothing for 10 s: it may be stuck/);
      t.mock.restoreAll();
    }
  });
});
