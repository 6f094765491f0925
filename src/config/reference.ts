// The page of all settings, made from the table that reads them, so that it cannot say anything else.
// Written anew with: npm run docs
import { type Key, keys, table, variableOf } from "./table.ts";

function shown(value: unknown): string {
  if (value === undefined || (Array.isArray(value) && value.length === 0)) return "–";
  return `\`${Array.isArray(value) ? JSON.stringify(value) : String(value)}\``;
}

/** docs/settings.md as Markdown. */
export function settingsReference(): string {
  const row = (key: Key) => {
    const { about, kind, standard } = table[key];
    return `| \`${key}\` | \`${variableOf(key)}\` | ${about} | ${kind.allowed} | ${shown(standard)} |`;
  };
  return `# Settings

In \`config.toml\` (\`$HEARTH_CONFIG\`, else \`$XDG_CONFIG_HOME/hearth/config.toml\`, else \`~/.config/hearth/config.toml\`), or as a
variable of the host's environment, which wins. A key with a dot is in a section: \`processes.grace_s\` is \`grace_s\` below
\`[processes]\`. The file is read again when it changes; address and port count from the next start. A wrong value is named
in a warning and passed over; it never stops an unrelated part. \`HEARTH_HOME\` says where Hearth keeps its state (default
\`$XDG_STATE_HOME/hearth\`, else \`~/.local/state/hearth\`).

| key | variable | what | takes | default |
| --- | --- | --- | --- | --- |
${keys.map(row).join("\n")}

\`personality\` is text for the agent's system message, or a section with \`system_prompt\`, \`tone\` and \`style\`.

A section \`[providers.NAME]\` connects a provider; its models are then called \`NAME/MODEL\`:

| key | what |
| --- | --- |
| \`kind\` | \`openai-compatible\` or \`anthropic\` |
| \`base_url\` | where it is |
| \`api_key_command\` | a command that prints the key; run when the key is first needed |
| \`api_key\` | the key itself; keep the file to yourself then (\`chmod 600\`) |
| \`models\` | names to offer where the provider cannot list its own |

\`anthropic\`, \`openai\`, \`ollama\` and \`lmstudio\` are there without a section; the first two take their keys from
\`ANTHROPIC_API_KEY\` and \`OPENAI_API_KEY\` too.

A section \`[sandboxes.NAME]\` is a place in which processes can run: \`kind\` is \`bubblewrap\`, \`container\`, \`ssh\`,
\`command\` or \`module\`. What each takes stands in [sandboxes.md](sandboxes.md).
`;
}
