// Where the page begins: the login, the theme, then everything else.
import { createRoot } from "react-dom/client";
import { App } from "./app.tsx";
import { Hub } from "./hub.ts";
import "./styles.css";
import { applyTheme } from "./theme.ts";

applyTheme();
const hub = new Hub();
// First of all, so that a ticket does not stay in the address for a moment longer than it takes to read it.
const begun = hub.begin();
const root = document.getElementById("root");
if (root === null) throw new Error("index.html has no #root");
createRoot(root).render(<App hub={hub} />);
await begun;
