// Lines of output, in their colours. A block is drawn again only when it is another object, and laid out only in view.
import { memo } from "react";
import type { Finder, Match } from "../output/find.ts";
import { partsOf } from "../output/find.ts";
import type { Block, Line } from "../output/output-log.ts";
import { lookOf, plain } from "../output/style.ts";

export interface OutputLinesProps {
  blocks: readonly Block[];
  finder: Finder;
  current: Match | null;
  wrap: boolean;
}

export function OutputLines({ blocks, finder, current, wrap }: OutputLinesProps) {
  return (
    <div
      className={`font-mono text-xs leading-5 [tab-size:8] ${wrap ? "wrap-anywhere whitespace-pre-wrap" : "w-max whitespace-pre"}`}
    >
      {blocks.map((block) => {
        const matches = finder.in(block);
        const here = current !== null && matches.includes(current) ? current : null;
        return <Lines key={block.key} block={block} matches={matches} current={here} />;
      })}
    </div>
  );
}

interface LinesProps {
  block: Block;
  matches: readonly Match[];
  current: Match | null;
}

const Lines = memo(function Lines({ block, matches, current }: LinesProps) {
  return (
    <div
      style={{
        contentVisibility: "auto",
        // Until it has been laid out once it is taken for lines that do not wrap.
        containIntrinsicSize: `auto ${block.lines.length * 1.25}rem`,
      }}
    >
      {block.lines.map((line) => (
        <OneLine
          key={line.key}
          line={line}
          matches={matches.length === 0 ? matches : matches.filter((one) => one.line === line.key)}
          current={current}
        />
      ))}
    </div>
  );
});

function OneLine({ line, matches, current }: { line: Line; matches: readonly Match[]; current: Match | null }) {
  const [only] = line.runs;
  if (only === undefined) return <div>{"\n"}</div>;
  if (matches.length === 0 && line.runs.length === 1 && only.style === plain) return <div>{line.text}</div>;
  return (
    <div>
      {partsOf(line, matches).map((part, at) => {
        const look = part.style === plain ? undefined : lookOf(part.style);
        if (part.match === null)
          return (
            // biome-ignore lint/suspicious/noArrayIndexKey: a line's parts have no other name, and are drawn anew together
            <span key={at} style={look}>
              {part.text}
            </span>
          );
        const isCurrent = part.match === current;
        return (
          <mark
            // biome-ignore lint/suspicious/noArrayIndexKey: as above
            key={at}
            data-current={isCurrent ? "" : undefined}
            className={isCurrent ? "bg-ember text-on-ember" : "bg-glow/35 text-ink"}
          >
            {part.text}
          </mark>
        );
      })}
    </div>
  );
}
