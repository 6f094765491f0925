// Ends every process of a conversation, or of all: a button that asks first.
import { useState } from "react";
import type { Hub, ProcessItem } from "../hub.ts";
import { Dialog } from "./dialog.tsx";

export interface StopAllProps {
  hub: Hub;
  /** Null: of every conversation. */
  session: string | null;
  processes: readonly ProcessItem[];
  /** With fewer than this the button is not worth its room. */
  least: number;
}

/** Terminals are closed one by one, where one sees what is in them. */
const isStoppable = ({ process_id, status }: ProcessItem): boolean =>
  status === "running" && !process_id.startsWith("term_");

export function StopAll({ hub, session, processes, least }: StopAllProps) {
  const [asking, setAsking] = useState(false);
  const [problem, setProblem] = useState<string | null>(null);
  const count = processes.filter((row) => isStoppable(row) && (session === null || row.session_id === session)).length;
  const act = () => {
    setProblem(null);
    hub.client
      .call("process.kill_all", session === null ? {} : { session_id: session })
      .then(
        () => setAsking(false),
        (error: unknown) => setProblem(error instanceof Error ? error.message : String(error)),
      )
      .finally(() => hub.refreshProcesses());
  };
  return (
    <>
      {count >= least && (
        <button
          type="button"
          data-testid="stop-all"
          className="btn btn-quiet px-2! text-xs! font-normal!"
          onClick={() => setAsking(true)}
        >
          Stop all
        </button>
      )}
      {asking && (
        <Dialog
          title={`Stop all ${count} processes ${session === null ? "of every conversation" : "of this conversation"}?`}
          action="Stop them all"
          careful
          onAct={act}
          onClose={() => setAsking(false)}
        >
          <p className="text-soft">
            Each gets a moment to finish, then it is ended with everything it started. Terminals stay.
          </p>
          {problem !== null && (
            <p className="mt-2 text-bad" role="alert">
              {problem}
            </p>
          )}
        </Dialog>
      )}
    </>
  );
}
