// Lines of output, in their colours. A block is drawn again only when it is another object, and laid out only in view.
import { Fragment, memo } from "react";
import { type Finder, type Match, type Part, partsOf } from "../output/find.ts";
import { type FoundLink, linksOf } from "../output/links.ts";
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
  const links = linksOf(line);
  const bare = matches.length === 0 && links.length === 0 && line.runs.length === 1 && only.style === plain;
  if (bare) return <div>{line.text}</div>;
  return (
    <div>
      {inLinks(partsOf(line, matches, links)).map(({ link, parts }, at) => {
        const drawn = parts.map((part, within) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: a line's parts have no other name, and are drawn anew together
          <OnePart key={within} part={part} isCurrent={part.match === current} />
        ));
        return link === null ? (
          // biome-ignore lint/suspicious/noArrayIndexKey: as above
          <Fragment key={at}>{drawn}</Fragment>
        ) : (
          <a
            // biome-ignore lint/suspicious/noArrayIndexKey: as above
            key={at}
            href={link.href}
            target="_blank"
            rel="noopener noreferrer"
            title={link.href}
            data-testid="output-link"
            className="underline decoration-faint underline-offset-2 hover:decoration-current"
          >
            {drawn}
          </a>
        );
      })}
    </div>
  );
}

function OnePart({ part, isCurrent }: { part: Part; isCurrent: boolean }) {
  if (part.match === null) {
    if (part.style === plain) return part.text;
    return <span style={lookOf(part.style)}>{part.text}</span>;
  }
  return (
    <mark
      data-current={isCurrent ? "" : undefined}
      className={isCurrent ? "bg-ember text-on-ember" : "bg-glow/35 text-ink"}
    >
      {part.text}
    </mark>
  );
}

/** Neighbours that belong to one link, or to none. */
function inLinks(parts: readonly Part[]): { link: FoundLink | null; parts: Part[] }[] {
  const groups: { link: FoundLink | null; parts: Part[] }[] = [];
  for (const part of parts) {
    const last = groups.at(-1);
    if (last !== undefined && last.link === part.link) last.parts.push(part);
    else groups.push({ link: part.link, parts: [part] });
  }
  return groups;
}
