// One thin line when the page and the host are apart, or when something just asked for did not work.
import { useEffect, useState } from "react";
import { Cross } from "./icons.tsx";

export interface BannerProps {
  connection: string;
  problem: string | null;
  /** Why the turn of this conversation stands still; null: it does not. */
  stalled: string | null;
  onDismiss: () => void;
}

/** A connection that comes at once needs no announcement. */
const PATIENCE_MS = 400;
/** After this long, a host that restarts would be back: a person should know what to do. */
const AWAY_MS = 8_000;

export function Banner({ connection, problem, stalled, onDismiss }: BannerProps) {
  const apart = connection !== "ready";
  const late = useLasting(apart, PATIENCE_MS);
  const away = useLasting(apart, AWAY_MS);
  return (
    <>
      <div data-testid="connection" data-state={connection} role="status">
        {apart && late && (
          <p className="flex items-center justify-center gap-2 bg-wash px-4 py-1.5 text-xs text-ember">
            <span className="ember-dot" />
            {away
              ? "The host does not answer. If it was stopped, start it with `hearth up`: this page finds it by itself."
              : "Reconnecting… Nothing is lost; what runs goes on."}
          </p>
        )}
      </div>
      {stalled !== null && (
        <p role="alert" data-testid="stalled" className="bg-bad/10 px-4 py-1.5 text-sm text-bad">
          {stalled}
        </p>
      )}
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

/** True once `state` has held for so long. */
function useLasting(state: boolean, ms: number): boolean {
  const [lasting, setLasting] = useState(false);
  useEffect(() => {
    if (!state) {
      setLasting(false);
      return;
    }
    const timer = setTimeout(() => setLasting(true), ms);
    return () => clearTimeout(timer);
  }, [state, ms]);
  return lasting;
}
