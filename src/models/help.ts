// How to connect a real model, in one place: the page, `hearth doctor` and the offline model all show this text.

/** Markdown. The one setting is `model` (HEARTH_MODEL); everything else has a default or belongs to a provider. */
export const connectHelp = `To connect a real model, set \`model\` in \`config.toml\` (or \`HEARTH_MODEL\`, or choose one on the page):

- **Anthropic**: start Hearth with \`ANTHROPIC_API_KEY\` set and \`HEARTH_MODEL=anthropic/claude-sonnet-5-5\`.
- **A local Ollama or LM Studio**: start it; Hearth finds it and lists its models, such as \`ollama/qwen3\`. No key is needed.
- **Any OpenAI-compatible endpoint**:

  \`\`\`toml
  model = "NAME/the-model"

  [providers.NAME]
  kind = "openai-compatible"
  base_url = "https://llm.example/v1"
  api_key_command = "pass show llm"  # or api_key = "…"
  \`\`\``;
