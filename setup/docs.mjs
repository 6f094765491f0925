// Writes the pages that are made from tables: docs/reference.md from the protocol, docs/settings.md from the settings.
import { writeFile } from "node:fs/promises";
import { settingsReference } from "../src/config/reference.ts";
import { reference } from "../src/protocol/reference.ts";

await writeFile(new URL("../docs/reference.md", import.meta.url), reference());
await writeFile(new URL("../docs/settings.md", import.meta.url), settingsReference());
