// What the views of processes share: the list and what its rows use, current while they are in view.
import { useCallback, useEffect, useMemo, useState, useSyncExternalStore } from "react";
import type { Hub, ProcessItem } from "../hub.ts";
import { useField } from "../store.ts";
import type { History } from "./usage.ts";

/** The list, read again and again while the caller is in view. */
export function useProcesses(hub: Hub): readonly ProcessItem[] {
  const processes = useField(hub.state, "processes");
  useEffect(() => {
    const watching = hub.watchProcesses();
    return () => watching[Symbol.dispose]();
  }, [hub]);
  return processes;
}

/** What these use, sampled while the caller is in view. */
export function useUsage(hub: Hub, rows: readonly ProcessItem[]): ReadonlyMap<string, History> {
  const histories = useField(hub.usage.state, "histories");
  const ids = rows
    .filter((row) => row.status === "running")
    .map((row) => row.process_id)
    .join(" ");
  useEffect(() => {
    if (ids === "") return;
    const watching = hub.usage.watch(ids.split(" "));
    return () => watching[Symbol.dispose]();
  }, [hub, ids]);
  return histories;
}

/** The time, every second while `running`. */
export function useSecond(running: boolean): number {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    if (!running) return;
    setNow(Date.now());
    const timer = setInterval(() => setNow(Date.now()), 1000);
    return () => clearInterval(timer);
  }, [running]);
  return now;
}

/** What conversations are called, by their ids. */
export function useTitles(hub: Hub): ReadonlyMap<string, string> {
  const sessions = useField(hub.state, "sessions");
  return useMemo(
    () => new Map(sessions?.map((one) => [one.session_id, one.title || "New conversation"] as const)),
    [sessions],
  );
}

/** Ends it and all it started. Answers whether it is being ended, and what went wrong. */
export function useStop(hub: Hub, id: string): { stopping: boolean; problem: string | null; stop: () => void } {
  const [stopping, setStopping] = useState(false);
  const [problem, setProblem] = useState<string | null>(null);
  const stop = useCallback(() => {
    setStopping(true);
    setProblem(null);
    hub.client
      .call("process.kill", { process_id: id })
      .catch((error: unknown) => setProblem(error instanceof Error ? error.message : String(error)))
      .finally(() => {
        setStopping(false);
        hub.refreshProcesses();
      });
  }, [hub, id]);
  return { stopping, problem, stop };
}

function subscribeHash(listener: () => void): () => void {
  window.addEventListener("hashchange", listener);
  return () => window.removeEventListener("hashchange", listener);
}
/** What the address says, by `read`, which must answer equal values for an equal address. */
export function useHash<T>(read: (hash: string) => T): T {
  return useSyncExternalStore(subscribeHash, () => read(location.hash));
}
