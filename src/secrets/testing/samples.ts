// Made-up secrets of each kind, put together here so that no text that looks like one stands in the repository.
import { createHash } from "node:crypto";

const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
/** Characters that look made by chance and are always the same. */
export function chance(seed: string, length: number, from: string = letters): string {
  let text = "";
  for (let block = 0; text.length < length; block++)
    for (const byte of createHash("sha512").update(`${seed}/${block}`).digest()) text += from[byte % from.length];
  return text.slice(0, length);
}
const hex = (seed: string, length: number): string => chance(seed, length, "0123456789abcdef");
const capital = (seed: string, length: number): string => chance(seed, length, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567");
const key = (seed: string, prefix: string, length: number): string => prefix + chance(seed, length);
const inBase64 = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64url");

/** By the names that published rule sets give them: what a program prints, and the secret in it. */
export const samples: Readonly<Record<string, { text: string; secret: string }>> = Object.fromEntries(
  Object.entries({
    "openai-api-key": key("a", "sk-proj-", 74),
    "openai-legacy-key": key("b", "sk-", 48),
    "anthropic-api-key": key("c", "sk-ant-api03-", 93),
    "openrouter-api-key": `sk-or-v1-${hex("d", 64)}`,
    "groq-api-key": key("e", "gsk_", 52),
    "xai-api-key": key("f", "xai-", 80),
    "replicate-api-token": key("g", "r8_", 37),
    "perplexity-api-key": key("h", "pplx-", 48),
    "nvidia-api-key": key("i", "nvapi-", 64),
    "huggingface-access-token": key("j", "hf_", 34),
    "gcp-api-key": key("k", "AIza", 35),
    "google-oauth-client-secret": key("l", "GOCSPX-", 28),
    "google-oauth-access-token": key("m", "ya29.", 120),
    "aws-access-token": `AKIA${capital("n", 16)}`,
    "alibaba-access-key-id": key("o", "LTAI", 20),
    "github-pat": key("p", "ghp_", 36),
    "github-oauth": key("q", "gho_", 36),
    "github-fine-grained-pat": `github_pat_${chance("r", 22)}_${chance("s", 59)}`,
    "gitlab-pat": key("t", "glpat-", 20),
    "gitlab-runner-authentication-token": key("u", "glrt-", 20),
    "slack-bot-token": `xoxb-${chance("v", 12, "0123456789")}-${chance("w", 13, "0123456789")}-${chance("x", 24)}`,
    "slack-app-token": `xapp-1-${chance("y", 11)}-${chance("z", 13, "0123456789")}-${hex("0", 64)}`,
    "stripe-access-token": key("1", "sk_live_", 24),
    "npm-access-token": key("2", "npm_", 36),
    "pypi-upload-token": key("3", "pypi-AgEIcHlwaS5vcmc", 80),
    "rubygems-api-token": `rubygems_${hex("4", 48)}`,
    "twilio-api-key": `SK${hex("5", 32)}`,
    "sendgrid-api-token": `SG.${chance("6", 22)}.${chance("7", 43)}`,
    "mailgun-private-api-token": `key-${hex("8", 32)}`,
    "mailchimp-api-key": `${hex("9", 32)}-us12`,
    "digitalocean-pat": `dop_v1_${hex("aa", 64)}`,
    "shopify-access-token": `shpat_${hex("ab", 32)}`,
    "square-access-token": key("ac", "sq0atp-", 22),
    "databricks-api-token": `dapi${hex("ad", 32)}`,
    "doppler-api-token": key("ae", "dp.pt.", 43),
    "grafana-service-account-token": `glsa_${chance("af", 32)}_${hex("ag", 8)}`,
    "vault-service-token": key("ah", "hvs.", 95),
    "linear-api-key": key("ai", "lin_api_", 40),
    "new-relic-user-api-key": `NRAK-${capital("aj", 27)}`,
    "planetscale-password": key("ak", "pscale_pw_", 43),
    "postman-api-token": `PMAK-${hex("al", 24)}-${hex("am", 34)}`,
    "pulumi-api-token": `pul-${hex("an", 40)}`,
    "sourcegraph-access-token": `sgp_${hex("ao", 40)}`,
    "tailscale-auth-key": `tskey-auth-${chance("ap", 17)}-${chance("aq", 32)}`,
    "telegram-bot-api-token": `${chance("ar", 10, "123456789")}:AA${chance("as", 33)}`,
    "atlassian-api-token": key("at", "ATATT3x", 186),
    "dockerhub-pat": key("au", "dckr_pat_", 27),
    "airtable-like-terraform-token": `${chance("av", 14)}.atlasv1.${chance("aw", 67)}`,
    "age-secret-key": `AGE-SECRET-KEY-1${chance("ax", 58, "QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L")}`,
    "adobe-client-secret": `p8e-${chance("ay", 32)}`,
    "figma-pat": key("az", "figd_", 40),
    "prefect-api-token": key("ba", "pnu_", 36),
    "azure-ad-client-secret": `${chance("bb", 3)}8Q~${chance("bc", 34)}`,
    jwt: `${inBase64({ alg: "HS256", typ: "JWT" })}.${inBase64({ sub: chance("bd", 20) })}.${chance("be", 43)}`,
  }).map(([name, secret]) => [name, { text: secret, secret }]),
);

/** Secret by what stands beside them. */
export const beside: Readonly<Record<string, { text: string; secret: string }>> = {
  "aws-secret-access-key": named("AWS_SECRET_ACCESS_KEY=", chance("ca", 40)),
  "azure-storage-key": named("DefaultEndpointsProtocol=https;AccountKey=", `${chance("cb", 86)}==`),
  "basic-auth-address": named("postgres://app:", chance("cc", 18), "@db.example.com/app"),
  "bearer-header": named("Authorization: Bearer ", chance("cd", 40)),
  "basic-header": named("authorization: Basic ", Buffer.from(`me:${chance("ce", 16)}`).toString("base64")),
  "api-key-header": named("X-Api-Key: ", chance("cf", 32)),
  "json-field": named('{"name": "x", "api_key": "', chance("cg", 28), '", "n": 1}'),
  "escaped-json-field": named('{"body": "{\\"client_secret\\": \\"', chance("ch", 28), '\\"}"}'),
  "yaml-field": named("  password: ", chance("ci", 18)),
  "command-flag": named("tool --password ", chance("cj", 18), " --verbose"),
  "npmrc-token": named("//registry.example.com/:_authToken=", chance("ck", 30)),
  "xml-element": named("<password>", chance("cl", 14), "</password>"),
  "query-parameter": named("https://api.example.com/v1?access_token=", chance("cm", 30), "&n=1"),
};
function named(before: string, secret: string, after = ""): { text: string; secret: string } {
  return { text: before + secret + after, secret };
}

export function privateKey(seed: string): string {
  const lines = Array.from({ length: 20 }, (_, line) => chance(`${seed}/${line}`, 64));
  return [`-----BEGIN RSA PRIVATE ${"KEY"}-----`, ...lines, `-----END RSA PRIVATE ${"KEY"}-----`].join("\n");
}
