// Where the page begins: the login, the theme, then everything else.
import "./no-eval.ts"; // before the first schema is made
import { createRoot } from "react-dom/client";
import { App } from "./app.tsx";
import { wantedFile } from "./download.ts";
import { Hub } from "./hub.ts";
import "./styles.css";
import { applyTheme } from "./theme.ts";
import { watchSecret } from "./watch.ts";

applyTheme();
const root = document.getElementById("root");
if (root === null) throw new Error("index.html has no #root");
const watching = watchSecret(location.hash);
const wanted = wantedFile(location.hash);
const begunAt = location.hash;
const isOwnView = (hash: string) => watchSecret(hash) !== null || wantedFile(hash) !== null;
window.addEventListener("hashchange", () => {
  // These are pages of their own: what they show is decided once, here.
  if ((isOwnView(location.hash) || isOwnView(begunAt)) && location.hash !== begunAt) location.reload();
});
if (watching !== null) {
  // Without a hub: a link to watch uses no login, even where this browser has one.
  const { WatchView } = await import("./parts/watch-view.tsx");
  createRoot(root).render(<WatchView secret={watching} />);
} else if (wanted !== null) {
  const { DownloadView } = await import("./parts/download-view.tsx");
  createRoot(root).render(<DownloadView wanted={wanted} />);
} else {
  const hub = new Hub();
  // First of all, so that a ticket does not stay in the address for a moment longer than it takes to read it.
  const begun = hub.begin();
  createRoot(root).render(<App hub={hub} />);
  await begun;
}
