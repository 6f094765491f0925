// Whether bubblewrap may do here what it is for, and what to do where it may not: asked by the host at a first start, and by
// `hearth doctor` before.

/** What the program runs to show that it may: a process tree of its own on this system. */
export const PROBE = ["--ro-bind", "/", "/", "--proc", "/proc", "--unshare-pid", "--", "/bin/true"] as const;

export const HOW_TO_GET =
  "install bubblewrap: apt-get install bubblewrap (Debian, Ubuntu), dnf install bubblewrap (Fedora)";

const ALLOW =
  "allow user namespaces: sysctl kernel.unprivileged_userns_clone=1 (Debian), kernel.apparmor_restrict_unprivileged_userns=0 (Ubuntu)";

/** What to do about what it said when it failed the probe; undefined where that is not about this machine's rules. */
export function remedyFor(said: string): string | undefined {
  return /namespace|uid map|Operation not permitted|Permission denied/i.test(said) ? ALLOW : undefined;
}
