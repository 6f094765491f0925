// The names under which people keep keys of model providers: an agent's commands must not see them, since whatever a
// command prints reaches the model (P3). Keys of other tools (git, cloud, registries) are the person's own business.

const exact = new Set([
  "ANTHROPIC_AUTH_TOKEN",
  "CO_API_KEY",
  "HF_TOKEN",
  "HUGGING_FACE_HUB_TOKEN",
  "REPLICATE_API_TOKEN",
]);

const providers = [
  "AI21",
  "ANTHROPIC",
  "ARK",
  "AZURE",
  "AZURE_OPENAI",
  "BASETEN",
  "CEREBRAS",
  "CLAUDE",
  "COHERE",
  "DASHSCOPE",
  "DEEPINFRA",
  "DEEPSEEK",
  "ELEVENLABS",
  "FIREWORKS",
  "GEMINI",
  "GLM",
  "GOOGLE",
  "GOOGLE_GENERATIVE_AI",
  "GROQ",
  "HUGGINGFACE",
  "HYPERBOLIC",
  "KIMI",
  "LM_STUDIO",
  "MINIMAX",
  "MISTRAL",
  "MOONSHOT",
  "NOUS",
  "NOVITA",
  "NVIDIA",
  "OLLAMA",
  "OPENAI",
  "OPENROUTER",
  "PERPLEXITY",
  "PPLX",
  "QWEN",
  "REPLICATE",
  "SAMBANOVA",
  "TOGETHER",
  "TOGETHER_AI",
  "VOYAGE",
  "XAI",
  "ZAI",
  "ZHIPU",
  "ZHIPUAI",
];
for (const provider of providers) exact.add(`${provider}_API_KEY`);

/** True for a variable that holds a known model provider's key. */
export function isProviderKey(name: string): boolean {
  return exact.has(name.toUpperCase());
}
