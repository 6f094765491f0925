// Where the page begins: the login, the theme, then everything else.
import { createRoot } from "react-dom/client";
import { App } from "./app.tsx";
import { Hub } from "./hub.ts";
import "./styles.css";
import { applyTheme } from "./theme.ts";
import { watchSecret } from "./watch.ts";

applyTheme();
const root = document.getElementById("root");
if (root === null) throw new Error("index.html has no #root");
const watching = watchSecret(location.hash);
window.addEventListener("hashchange", () => {
  if (watchSecret(location.hash) !== watching) location.reload();
});
if (watching !== null) {
  // Without a hub: a link to watch uses no login, even where this browser has one.
  const { WatchView } = await import("./parts/watch-view.tsx");
  createRoot(root).render(<WatchView secret={watching} />);
} else {
  const hub = new Hub();
  // First of all, so that a ticket does not stay in the address for a moment longer than it takes to read it.
  const begun = hub.begin();
  createRoot(root).render(<App hub={hub} />);
  await begun;
}
