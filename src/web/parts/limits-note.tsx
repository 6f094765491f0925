// A line above the processes where this machine cannot limit them.
import { useEffect, useState } from "react";
import type { Hub } from "../hub.ts";
import { limitsNote } from "../process/limits.ts";

export function LimitsNote({ hub }: { hub: Hub }) {
  const [note, setNote] = useState<string | null>(null);
  useEffect(() => {
    let shown = true;
    hub.client.call("host.status", {}).then(
      ({ limits }) => shown && setNote(limitsNote(limits)),
      () => undefined, // Without a connection the page says so itself.
    );
    return () => {
      shown = false;
    };
  }, [hub]);
  if (note === null) return null;
  return (
    <p className="px-4 pb-2 text-xs text-faint" data-testid="limits-note">
      {note}
    </p>
  );
}
