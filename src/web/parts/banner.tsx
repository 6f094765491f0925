// One thin line when the page and the host are apart, or when something just asked for did not work.
import { useEffect, useState } from "react";
import { Cross } from "./icons.tsx";

export interface BannerProps {
  connection: string;
  problem: string | null;
  onDismiss: () => void;
}

/** A connection that comes at once needs no announcement. */
const PATIENCE_MS = 400;

export function Banner({ connection, problem, onDismiss }: BannerProps) {
  const apart = connection !== "ready";
  const [late, setLate] = useState(false);
  useEffect(() => {
    if (!apart) {
      setLate(false);
      return;
    }
    const timer = setTimeout(() => setLate(true), PATIENCE_MS);
    return () => clearTimeout(timer);
  }, [apart]);
  return (
    <>
      <div data-testid="connection" data-state={connection} role="status">
        {apart && late && (
          <p className="flex items-center justify-center gap-2 bg-wash px-4 py-1.5 text-xs text-ember">
            <span className="ember-dot" />
            Reconnecting… Nothing is lost; what runs goes on.
          </p>
        )}
      </div>
      {problem !== null && (
        <p role="alert" className="flex items-center gap-2 bg-bad/10 py-1 pr-1 pl-4 text-sm text-bad">
          <span className="flex-1">{problem}</span>
          <button type="button" className="icon-btn" aria-label="Dismiss" onClick={onDismiss}>
            <Cross size={15} />
          </button>
        </p>
      )}
    </>
  );
}
