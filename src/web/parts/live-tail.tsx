// The last lines of a running process, inside its tool card.
import { useEffect, useState } from "react";
import type { TerminalListener, TerminalStream } from "../../client/terminal.ts";
import { batch, nextFrame } from "../batch.ts";
import { followOutput } from "../output/source.ts";
import { grow, lastLines } from "../tail.ts";

const LINES = 8;
/** Most commands are over sooner, and need neither a socket nor a glance. */
const PATIENCE_MS = 250;

export function LiveTail({ processId }: { processId: string }) {
  const [text, setText] = useState("");
  useEffect(() => {
    let raw = "";
    let decoder = new TextDecoder();
    const arriving = batch<Uint8Array>((pieces) => {
      for (const piece of pieces) raw = grow(raw, decoder.decode(piece, { stream: true }));
      setText(lastLines(raw, LINES));
    }, nextFrame);
    const listener: TerminalListener = {
      onBytes: (bytes) => arriving.add(bytes),
      onReset: () => {
        arriving.flush();
        raw = "";
        decoder = new TextDecoder();
      },
    };
    let stream: TerminalStream | undefined;
    const patience = setTimeout(() => {
      stream = followOutput(processId, listener);
    }, PATIENCE_MS);
    return () => {
      clearTimeout(patience);
      arriving.stop();
      stream?.close();
    };
  }, [processId]);
  if (text === "") return null;
  return (
    <pre
      data-testid="tool-tail"
      className="overflow-x-auto border-t border-line bg-sunken px-3.5 py-2.5 font-mono text-xs leading-relaxed whitespace-pre-wrap text-soft"
    >
      {text}
    </pre>
  );
}
