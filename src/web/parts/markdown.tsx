// An answer's Markdown, drawn without markup of its own: no remote picture, no script, no style from a model.
import { type ComponentProps, memo, useEffect, useRef, useState } from "react";
import { type Components, type ExtraProps, Streamdown } from "streamdown";
import { Check, Copy } from "./icons.tsx";

/** Shows Markdown; `streaming` mends what is not closed yet. */
export const Markdown = memo(function Markdown({ text, streaming = false }: { text: string; streaming?: boolean }) {
  return (
    <Streamdown
      className="prose"
      components={components}
      controls={false}
      linkSafety={{ enabled: false }}
      mode={streaming ? "streaming" : "static"}
      parseIncompleteMarkdown={streaming}
      dir="auto"
    >
      {text}
    </Streamdown>
  );
});

/** Copies text; says so for a moment. */
export function CopyButton({ text, label = "Copy" }: { text: () => string; label?: string }) {
  const [copied, setCopied] = useState(false);
  useEffect(() => {
    if (!copied) return;
    const timer = setTimeout(() => setCopied(false), 1600);
    return () => clearTimeout(timer);
  }, [copied]);
  const copy = () => {
    // Only secure contexts have a clipboard; elsewhere the text can still be selected.
    navigator.clipboard?.writeText(text()).then(
      () => setCopied(true),
      () => setCopied(false),
    );
  };
  return (
    <button
      type="button"
      className="icon-btn pointer-fine:size-8!"
      aria-label={copied ? "Copied" : label}
      onClick={copy}
    >
      {copied ? <Check size={15} className="text-good" /> : <Copy size={15} />}
    </button>
  );
}

function Pre({ children }: ComponentProps<"pre"> & ExtraProps) {
  const block = useRef<HTMLPreElement>(null);
  return (
    <div className="group relative my-3 overflow-hidden rounded-xl border border-line bg-sunken">
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a block that scrolls sideways must be reachable by keyboard */}
      <pre ref={block} tabIndex={0}>
        {children}
      </pre>
      <div className="absolute top-1 right-1 rounded-lg bg-sunken opacity-0 transition-opacity focus-within:opacity-100 group-hover:opacity-100 pointer-coarse:opacity-100">
        <CopyButton text={() => block.current?.textContent ?? ""} label="Copy code" />
      </div>
    </div>
  );
}

function Link({ href, children }: ComponentProps<"a"> & ExtraProps) {
  // The renderer's mark for a link that has not arrived whole.
  if (href === undefined || href === "streamdown:incomplete-link") return <span>{children}</span>;
  return (
    <a href={href} target="_blank" rel="noreferrer noopener">
      {children}
    </a>
  );
}

/** A picture would be a request to wherever a model says; it is named and linked instead. */
function Picture({ src, alt }: ComponentProps<"img"> & ExtraProps) {
  const address = typeof src === "string" ? src : undefined;
  return (
    <Link href={/^https?:/.test(address ?? "") ? address : undefined}>picture: {alt || address || "unnamed"}</Link>
  );
}

const components: Components = {
  h1: (p) => <h3>{p.children}</h3>,
  h2: (p) => <h4 className="text-[1.2em]!">{p.children}</h4>,
  h3: (p) => <h5 className="text-[1.08em]!">{p.children}</h5>,
  h4: (p) => <h6>{p.children}</h6>,
  h5: (p) => <h6>{p.children}</h6>,
  h6: (p) => <h6>{p.children}</h6>,
  p: (p) => <p>{p.children}</p>,
  ul: (p) => <ul>{p.children}</ul>,
  ol: (p) => <ol start={p.start}>{p.children}</ol>,
  li: (p) => <li>{p.children}</li>,
  hr: () => <hr />,
  strong: (p) => <strong>{p.children}</strong>,
  blockquote: (p) => <blockquote>{p.children}</blockquote>,
  code: (p) => <code>{p.children}</code>,
  pre: Pre,
  a: Link,
  img: Picture,
  table: (p) => (
    <div className="table-scroll">
      <table>{p.children}</table>
    </div>
  ),
  thead: (p) => <thead>{p.children}</thead>,
  tbody: (p) => <tbody>{p.children}</tbody>,
  tr: (p) => <tr>{p.children}</tr>,
  th: (p) => <th>{p.children}</th>,
  td: (p) => <td>{p.children}</td>,
};
