// The processes that one consists of, each below its parent.
import { useEffect, useRef, useState } from "react";
import type { Result } from "../../protocol/methods.ts";
import type { Hub } from "../hub.ts";
import { oneLine } from "../process/arrange.ts";
import { bytes, percent } from "../process/sparkline.ts";

type Top = Result<"process.top">;
const EVERY_MS = 2_000;
const MOST_ROWS = 100;

/** Asks while it can be seen: it stands inside something that opens. */
export function ProcessTree({ hub, id }: { hub: Hub; id: string }) {
  const root = useRef<HTMLDivElement>(null);
  const [top, setTop] = useState<Top | null>(null);
  useEffect(() => {
    const look = () => {
      if (root.current === null || !root.current.checkVisibility() || document.visibilityState !== "visible") return;
      hub.client.call("process.top", { process_id: id }).then(setTop, (error: unknown) => {
        // It has ended meanwhile, or the host is away: what was seen last stays.
        console.warn("what a process consists of could not be read", error);
      });
    };
    look();
    const details = root.current?.closest("details");
    details?.addEventListener("toggle", look);
    const timer = setInterval(look, EVERY_MS);
    return () => {
      clearInterval(timer);
      details?.removeEventListener("toggle", look);
    };
  }, [hub, id]);
  const rows = top === null ? [] : indented(top.processes);
  return (
    <div ref={root} className="mt-2 max-h-40 overflow-auto">
      {top?.reason != null && <p>What it consists of is not known: {top.reason}.</p>}
      <ul aria-label="What it consists of" data-testid="process-tree" className="space-y-0.5 font-mono">
        {rows.slice(0, MOST_ROWS).map(({ member, depth }) => (
          <li key={member.pid} className="flex gap-3">
            <span className="w-14 flex-none text-right text-faint tabular-nums">{member.pid}</span>
            <span className="min-w-0 flex-1 truncate" style={{ paddingInlineStart: `${Math.min(depth, 8) * 0.9}rem` }}>
              {oneLine(member.name)}
            </span>
            <span className="w-14 flex-none text-right tabular-nums">
              {member.cpu === null ? "–" : percent(member.cpu)}
            </span>
            <span className="w-14 flex-none text-right tabular-nums">{bytes(member.memory_bytes)}</span>
          </li>
        ))}
        {rows.length > MOST_ROWS && <li className="text-faint">{rows.length - MOST_ROWS} more</li>}
      </ul>
    </div>
  );
}

interface Row {
  member: Top["processes"][number];
  depth: number;
}

function indented(members: Top["processes"]): Row[] {
  const known = new Set(members.map((one) => one.pid));
  const rows: Row[] = [];
  const add = (member: Row["member"], depth: number) => {
    rows.push({ member, depth });
    for (const child of members) if (child.parent === member.pid) add(child, depth + 1);
  };
  for (const member of members) if (!known.has(member.parent)) add(member, 0);
  return rows;
}
