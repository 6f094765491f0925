// Which links in a terminal may be opened. Any program, and any file that is printed, can put one there.

export type Link = { ok: true; address: string; host: string } | { ok: false; why: string };

const LONGEST = 4_000;

/** Judges what a link points to; `host` is where it really leads. */
export function judgeLink(target: string): Link {
  if (target.length > LONGEST) return { ok: false, why: "its address is too long" };
  if (!URL.canParse(target)) return { ok: false, why: "its address cannot be read" };
  const { protocol, host, href } = new URL(target);
  if (protocol !== "http:" && protocol !== "https:") return { ok: false, why: `${protocol} addresses are not opened` };
  return { ok: true, address: href, host };
}
