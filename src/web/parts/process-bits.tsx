// Small things that every view of a process shows: what it uses, where it listens, who started it.
import type { ReactNode } from "react";
import type { ProcessItem } from "../hub.ts";
import { portsOf } from "../process/arrange.ts";
import { bytes, percent } from "../process/sparkline.ts";
import type { History } from "../process/usage.ts";
import { callHash, sessionHash } from "../route.ts";
import { Sparkline } from "./sparkline.tsx";

const A_LITTLE_CPU = 0.05;
const A_LITTLE_MEMORY = 8_000_000;

/** Processor time as a line and a number. */
export function Cpu({ history, wide = false }: { history: History | undefined; wide?: boolean }) {
  const value = history?.last.cpu ?? null;
  return (
    <Used value={value === null ? "–" : percent(value)} title={history?.last.reason}>
      <Sparkline
        testId="cpu"
        label="CPU"
        values={history?.cpu ?? []}
        say={percent}
        least={A_LITTLE_CPU}
        {...(wide ? { width: 120, height: 28 } : {})}
      />
    </Used>
  );
}

export function Memory({ history, wide = false }: { history: History | undefined; wide?: boolean }) {
  const value = history?.last.memory_bytes ?? null;
  return (
    <Used value={value === null ? "–" : bytes(value)} title={history?.last.reason}>
      <Sparkline
        testId="memory"
        label="Memory"
        values={history?.memory ?? []}
        say={bytes}
        least={A_LITTLE_MEMORY}
        {...(wide ? { width: 120, height: 28 } : {})}
      />
    </Used>
  );
}

function Used({ value, title, children }: { value: string; title: string | null | undefined; children: ReactNode }) {
  return (
    <span className="inline-flex items-center gap-1.5" title={title ?? undefined}>
      {children}
      <span className="min-w-12 text-2xs whitespace-nowrap text-soft tabular-nums">{value}</span>
    </span>
  );
}

/** Opened in a tab of its own, which knows nothing of this one. */
export function Ports({ history }: { history: History | undefined }) {
  const ports = portsOf(history?.last.listening ?? []);
  if (ports.length === 0) return null;
  return (
    <span className="inline-flex flex-wrap gap-1">
      {ports.slice(0, MOST_PORTS).map(({ label, href }) =>
        href === null ? (
          <span key={label} className="rounded-md border border-line px-1.5 font-mono text-2xs text-soft">
            {label}
          </span>
        ) : (
          <a
            key={label}
            data-testid="port"
            href={href}
            target="_blank"
            rel="noopener noreferrer"
            title={`Open ${href} in a new tab`}
            className="rounded-md border border-line bg-wash px-1.5 font-mono text-2xs text-ember hover:border-ember hover:underline pointer-coarse:px-2.5 pointer-coarse:py-1"
          >
            {label}
          </a>
        ),
      )}
      {ports.length > MOST_PORTS && <span className="text-2xs text-faint">+{ports.length - MOST_PORTS}</span>}
    </span>
  );
}
const MOST_PORTS = 4;

/** A person, or the agent in a conversation: with a link to the place where it did. */
export function StartedBy({ process, title }: { process: ProcessItem; title: string | undefined }) {
  const { owner, session_id: session, origin } = process;
  if (owner === "person") return <span>a person</span>;
  if (session === null) return <span>the agent</span>;
  return (
    <a
      data-testid="started-by"
      className="text-ember hover:underline"
      href={origin === null ? sessionHash(session) : callHash(session, origin.call_id)}
      title={`Where the agent started it${title === undefined ? "" : ` in “${title}”`}`}
    >
      the agent
    </a>
  );
}
