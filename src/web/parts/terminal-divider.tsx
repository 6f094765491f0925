// The line between two halves: dragged, or moved with the arrow keys.
import { type PointerEvent, useRef } from "react";
import type { splits } from "../terminal/layout.ts";

export interface DividerProps {
  split: ReturnType<typeof splits>[number];
  onShare: (share: number) => void;
}

const STEP = 0.04;

export function Divider({ split, onShare }: DividerProps) {
  const { way, share, box } = split;
  const line = useRef<HTMLDivElement>(null);
  const across = way === "right";
  const at = across ? box.x + box.width * share : box.y + box.height * share;
  const drag = (event: PointerEvent) => {
    const around = line.current?.parentElement?.getBoundingClientRect();
    if (around === undefined || !line.current?.hasPointerCapture(event.pointerId)) return;
    const where = across ? (event.clientX - around.left) / around.width : (event.clientY - around.top) / around.height;
    onShare(across ? (where - box.x) / box.width : (where - box.y) / box.height);
  };
  const percent = (value: number) => `${value * 100}%`;
  return (
    // biome-ignore lint/a11y/useSemanticElements: a rule cannot be moved
    <div
      ref={line}
      role="separator"
      tabIndex={0}
      aria-label="Size of the panes"
      aria-orientation={across ? "vertical" : "horizontal"}
      aria-valuenow={Math.round(share * 100)}
      aria-valuemin={10}
      aria-valuemax={90}
      className={`absolute z-10 touch-none hover:bg-glow/40 ${across ? "w-2 -translate-x-1/2 cursor-col-resize pointer-coarse:w-5" : "h-2 -translate-y-1/2 cursor-row-resize pointer-coarse:h-5"}`}
      style={
        across
          ? { left: percent(at), top: percent(box.y), height: percent(box.height) }
          : { top: percent(at), left: percent(box.x), width: percent(box.width) }
      }
      onPointerDown={(event) => {
        event.preventDefault();
        event.currentTarget.setPointerCapture(event.pointerId);
      }}
      onPointerMove={drag}
      onKeyDown={(event) => {
        const back = across ? "ArrowLeft" : "ArrowUp";
        const forth = across ? "ArrowRight" : "ArrowDown";
        if (event.key !== back && event.key !== forth) return;
        event.preventDefault();
        onShare(share + (event.key === back ? -STEP : STEP));
      }}
    />
  );
}
