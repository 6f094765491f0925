// The edge of what stands beside the conversation: dragged, moved with the arrow keys, or put back with a double click.
import { type PointerEvent, useRef } from "react";

export interface DrawerEdgeProps {
  /** Null: the usual width again. */
  onWidth: (width: number | null) => void;
}

const STEP = 24;

/** Put into a drawer at the right side of the page. */
export function DrawerEdge({ onWidth }: DrawerEdgeProps) {
  const edge = useRef<HTMLDivElement>(null);
  const drawer = () => edge.current?.parentElement?.getBoundingClientRect();
  const drag = (event: PointerEvent) => {
    const box = drawer();
    if (box !== undefined && edge.current?.hasPointerCapture(event.pointerId)) onWidth(box.right - event.clientX);
  };
  return (
    // biome-ignore lint/a11y/useSemanticElements: a rule cannot be moved
    <div
      ref={edge}
      role="separator"
      data-testid="drawer-edge"
      tabIndex={0}
      aria-label="Width of the panel"
      aria-orientation="vertical"
      aria-valuenow={Math.round(drawer()?.width ?? 0)}
      title="Drag for another width, double click for the usual one"
      className="absolute inset-y-0 left-0 z-20 w-2 -translate-x-1/2 cursor-col-resize touch-none hover:bg-glow/40 focus-visible:bg-glow/40 pointer-coarse:w-5"
      onPointerDown={(event) => {
        event.preventDefault();
        event.currentTarget.setPointerCapture(event.pointerId);
      }}
      onPointerMove={drag}
      onDoubleClick={() => onWidth(null)}
      onKeyDown={(event) => {
        const box = drawer();
        if (box === undefined || (event.key !== "ArrowLeft" && event.key !== "ArrowRight")) return;
        event.preventDefault();
        onWidth(box.width + (event.key === "ArrowLeft" ? STEP : -STEP));
      }}
    />
  );
}
