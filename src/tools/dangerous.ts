// The commands that deserve a look each time, even where the person has said "for this session".
//
// This is a reminder for people, not a protection: a command can be written in endless ways that no list recognises, and a
// list that tried would only be trusted too much. What protects is the approval itself, and a sandbox. So it reads words
// and no more: no variables, no quoting rules, no programs hidden in files; a word in an `echo` is taken for the real one.
import { basename } from "node:path";

/** Nobody reads more than this before saying yes. It also bounds the work done here. */
const READABLE = 10_000;

/** Why a command (or text typed into a program) is in the list; undefined for most. Reads as "a command that …". */
export function dangerous(command: string): string | undefined {
  if (command.length > READABLE) return `is too long to be read at a glance (${command.length} characters)`;
  const raw = rawReminders.find(({ pattern }) => pattern.test(command));
  if (raw) return raw.why;
  if (isForkBomb(command)) return "looks like a fork bomb";
  for (const pipeline of command.split(/&&|\|\||[;&\n]/)) {
    const why = dangerousPipeline(pipeline.split("|").map(words));
    if (why !== undefined) return why;
  }
  return undefined;
}

/** Where no single word tells. Each is linear in the length of the command. */
const rawReminders: readonly { pattern: RegExp; why: string }[] = [
  { pattern: />\s?["']?\/dev\/(?:sd|hd|vd|xvd|nvme|mmcblk|disk|mapper)/, why: "writes over a disk" },
  { pattern: /\.ssh(?:\/|\b)/, why: "touches SSH keys or settings" },
];

function isForkBomb(command: string): boolean {
  return /([\w:.]{1,32})\(\)\{\1\|\1&/.test(command.replace(/\s+/g, ""));
}

/** The words of one stage of a pipeline, quotes taken off and substitutions opened up. */
function words(stage: string): string[] {
  return stage
    .replace(/["'\\]/g, "")
    .replace(/\$\(|<\(|[(){}`]/g, (mark) => (mark === "{" || mark === "}" ? mark : " "))
    .split(/\s+/)
    .filter((word) => word !== "");
}

const SHELLS = new Set(["sh", "bash", "zsh", "dash", "ksh", "fish", "python", "python3", "perl", "ruby", "node"]);
const FETCHERS = new Set(["curl", "wget", "fetch"]);

function dangerousPipeline(stages: readonly string[][]): string | undefined {
  let fetched = false;
  for (const stage of stages) {
    const names = stage.map((word) => basename(word));
    const fetches = names.findIndex((name) => FETCHERS.has(name));
    const shell = names.findIndex((name) => SHELLS.has(name));
    if (shell !== -1 && (fetched || fetches > shell)) return "runs a program straight from the network";
    fetched ||= fetches !== -1;
    for (const [at, name] of names.entries()) {
      const why = rules.get(name)?.(stage.slice(at + 1));
      if (why !== undefined) return why;
    }
  }
  return undefined;
}

/** True for `-rf`, `-fr`, `-R`: one dash, letters, one of them among `letters`. */
const short = (word: string, letters: string): boolean =>
  /^-[A-Za-z]+$/.test(word) && [...letters].some((letter) => word.includes(letter));
const recursive = (args: readonly string[]): boolean =>
  args.some((word) => word === "--recursive" || short(word, "rR"));
/** `/`, `/*`, `~`, `$HOME/`, `..`, `../..`, `/usr`: what is never meant, or meant with great care. */
const vast = (word: string): boolean =>
  /^(?:\/|~|\$HOME|\$\{HOME\}|\.\.)(?:\/\.\.)*\/?(?:\*|\.\*)?$/.test(word) ||
  /^\/(?:bin|boot|dev|etc|home|lib|lib64|opt|root|sbin|srv|sys|usr|var|Users|System|Library|Applications)\/?\*?$/.test(
    word,
  );

type Rule = (args: readonly string[]) => string | undefined;
const stopsMachine: Rule = () => "stops the machine";
const erases: Rule = () => "erases a file system";
const otherUser: Rule = () => "acts as another user, often root";
const permissions: Rule = (args) =>
  recursive(args) && args.some(vast) ? "changes the permissions of a whole system or home directory" : undefined;
const kills: Rule = (args) => (args.includes("-1") && args.length > 1 ? "ends everything of this user" : undefined);

const rules: ReadonlyMap<string, Rule> = new Map<string, Rule>([
  [
    "rm",
    (args) =>
      args.includes("--no-preserve-root") || (recursive(args) && args.some(vast))
        ? "deletes a whole system, home or parent directory"
        : undefined,
  ],
  ["mkfs", erases],
  ...["ext2", "ext3", "ext4", "xfs", "btrfs", "vfat", "fat", "f2fs", "ntfs"].map((kind): [string, Rule] => [
    `mkfs.${kind}`,
    erases,
  ]),
  ["wipefs", erases],
  ["blkdiscard", erases],
  [
    "dd",
    (args) =>
      args.some((word) => word.startsWith("of=/dev/") && !/^of=\/dev\/(?:null|zero|stdout|stderr|fd\/\d+)$/.test(word))
        ? "writes over a device"
        : undefined,
  ],
  ["shutdown", stopsMachine],
  ["reboot", stopsMachine],
  ["halt", stopsMachine],
  ["poweroff", stopsMachine],
  ["init", ([level]) => (level === "0" || level === "6" ? "stops the machine" : undefined)],
  [
    "systemctl",
    (args) =>
      args.some((word) => ["poweroff", "reboot", "halt", "kexec"].includes(word)) ? "stops the machine" : undefined,
  ],
  ["chmod", permissions],
  ["chown", permissions],
  ["git", git],
  ["sudo", otherUser],
  ["doas", otherUser],
  ["pkexec", otherUser],
  ["su", otherUser],
  ["kill", kills],
  ["crontab", (args) => (args.some((word) => short(word, "r")) ? "removes all timed jobs of this user" : undefined)],
]);

function git(args: readonly string[]): string | undefined {
  const has = (word: string): boolean => args.includes(word);
  if (has("push") && args.some((word) => word.startsWith("--force") || word === "--mirror" || short(word, "f"))) {
    return "overwrites history on a Git server";
  }
  if (has("push") && args.some((word) => /^\+\w/.test(word))) return "overwrites history on a Git server";
  if (has("reset") && has("--hard")) return "throws away uncommitted work";
  if (has("clean") && args.some((word) => word === "--force" || short(word, "f")))
    return "throws away uncommitted work";
  return undefined;
}
