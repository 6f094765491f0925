// A link by which somebody may watch one terminal or process and do nothing else: made, copied, and ended again.
import { useCallback, useEffect, useState } from "react";
import type { ShareRow } from "../../protocol/rows.ts";
import { copyText } from "../clipboard.ts";
import type { Hub } from "../hub.ts";
import { oneLine } from "../process/arrange.ts";
import { useField } from "../store.ts";
import { watchAddress } from "../watch.ts";
import { duration } from "../words.ts";
import { Dialog } from "./dialog.tsx";
import { Check, Copy } from "./icons.tsx";

export interface ShareDialogProps {
  hub: Hub;
  /** Of a terminal or a process. */
  id: string;
  /** As a person calls it. */
  name: string;
  onClose: () => void;
}

const SPANS = [
  [10, "10 minutes"],
  [60, "1 hour"],
  [480, "8 hours"],
  [1_440, "1 day"],
  [10_080, "1 week"],
] as const;
const COPIED_MS = 2_000;

export function ShareDialog({ hub, id, name, onClose }: ShareDialogProps) {
  const isShell = id.startsWith("term_");
  const [minutes, setMinutes] = useState(60);
  const [made, setMade] = useState<{ share_id: string; address: string } | null>(null);
  const [problem, setProblem] = useState<string | null>(null);
  const { shares, refresh } = useShares(hub, setProblem);
  const attempt = (work: Promise<unknown>) => {
    setProblem(null);
    work.catch((error: unknown) => setProblem(sentence(error))).finally(refresh);
  };
  const make = () => {
    const of = isShell ? { terminal_id: id } : { process_id: id };
    attempt(
      hub.client
        .call("share.create", { ...of, minutes })
        .then(({ share_id, url }) => setMade({ share_id, address: watchAddress(url, location) })),
    );
  };
  const end = (share_id: string) => {
    if (made?.share_id === share_id) setMade(null);
    attempt(hub.client.call("share.revoke", { share_id }));
  };
  return (
    <Dialog title={`Share “${name}”`} action="Make a link" onAct={make} onClose={onClose} close="Done">
      <p className="text-soft">
        Whoever opens the link watches this {isShell ? "terminal" : "process"} and can do nothing else. It takes no
        login
        {isShell ? ", and shows all that is on the screen." : "."}
      </p>
      <label className="mt-3 flex items-center gap-3">
        <span className="flex-none">Good for</span>
        <select
          data-testid="share-span"
          className="field w-auto"
          value={minutes}
          onChange={(event) => setMinutes(Number(event.target.value))}
        >
          {SPANS.map(([value, label]) => (
            <option key={value} value={value}>
              {label}
            </option>
          ))}
        </select>
      </label>
      {made !== null && <Made address={made.address} />}
      {problem !== null && (
        <p className="mt-2 text-bad" role="alert">
          {problem}
        </p>
      )}
      <Links hub={hub} id={id} shares={shares} onEnd={end} />
    </Dialog>
  );
}

/** Shown once: the host itself keeps no more of it than what it needs to know it again. */
function Made({ address }: { address: string }) {
  const [copied, setCopied] = useState(false);
  useEffect(() => {
    if (!copied) return;
    const timer = setTimeout(() => setCopied(false), COPIED_MS);
    return () => clearTimeout(timer);
  }, [copied]);
  return (
    <div className="mt-3 rounded-xl border border-glow/50 bg-wash p-3">
      <div className="flex gap-2">
        <input
          readOnly
          data-testid="share-address"
          aria-label="The link"
          className="field min-w-0 flex-1 font-mono text-xs"
          value={address}
          onFocus={(event) => event.target.select()}
        />
        <button
          type="button"
          data-testid="share-copy"
          className="btn flex-none"
          onClick={() => void copyText(address).then(() => setCopied(true))}
        >
          {copied ? <Check size={15} /> : <Copy size={15} />} {copied ? "Copied" : "Copy"}
        </button>
      </div>
      <p className="mt-1.5 text-xs text-soft">It is shown only now. It opens where this page opens.</p>
    </div>
  );
}

interface LinksProps {
  hub: Hub;
  id: string;
  shares: readonly ShareRow[];
  onEnd: (share_id: string) => void;
}

/** Every link there is, this one's first: what is given away is to be found again. */
function Links({ hub, id, shares, onEnd }: LinksProps) {
  const processes = useField(hub.state, "processes");
  useEffect(() => hub.refreshProcesses(), [hub]);
  if (shares.length === 0) return null;
  const nameOf = (target: string) => {
    const row = processes.find((process) => process.process_id === target);
    return row === undefined ? target : oneLine(row.name ?? row.command);
  };
  const target = (row: ShareRow) => row.terminal_id ?? row.process_id ?? "";
  const here = (row: ShareRow) => target(row) === id;
  const inOrder = [...shares.filter(here), ...shares.filter((row) => !here(row))];
  return (
    <section className="mt-4" aria-label="Links that can be watched by now">
      <h3 className="text-xs font-medium text-faint">Links that work now</h3>
      <ul className="mt-1 divide-y divide-line">
        {inOrder.map((row) => (
          <li key={row.share_id} data-testid="share-row" className="flex items-center gap-3 py-1">
            <span className={`min-w-0 flex-1 truncate ${here(row) ? "" : "text-soft"}`}>
              {here(row) ? "this one" : nameOf(target(row))}
            </span>
            <span className="flex-none text-xs text-faint">for {duration(row.expires_at - Date.now())}</span>
            <button
              type="button"
              data-testid="share-end"
              className="btn btn-quiet flex-none px-2! text-xs! text-bad"
              title="Whoever watches by it is cut off"
              onClick={() => onEnd(row.share_id)}
            >
              End it
            </button>
          </li>
        ))}
      </ul>
    </section>
  );
}

function useShares(hub: Hub, onProblem: (text: string) => void) {
  const [shares, setShares] = useState<readonly ShareRow[]>([]);
  const refresh = useCallback(() => {
    hub.client.call("share.list", {}).then(
      (answer) => setShares(answer.shares),
      (error: unknown) => onProblem(sentence(error)),
    );
  }, [hub, onProblem]);
  useEffect(refresh, [refresh]);
  return { shares, refresh };
}

const sentence = (error: unknown): string => (error instanceof Error ? error.message : String(error));
