// The smallest thing React can watch: a value, and who wants to know when it is another one.
import { useSyncExternalStore } from "react";

export interface Store<T> {
  get(): T;
  /** A patch; nothing happens when every field is what it was. */
  set(patch: Partial<T>): void;
  subscribe(listener: () => void): () => void;
}

export function store<T extends object>(initial: T): Store<T> {
  let value = initial;
  const listeners = new Set<() => void>();
  return {
    get: () => value,
    set(patch) {
      const keys = Object.keys(patch) as (keyof T)[];
      if (keys.every((key) => Object.is(value[key], patch[key]))) return;
      value = { ...value, ...patch };
      for (const listener of [...listeners]) listener();
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  };
}

/** One field of a store; the component is drawn again only when that field is another value. */
export function useField<T extends object, K extends keyof T>(from: Store<T>, key: K): T[K] {
  return useSyncExternalStore(from.subscribe, () => from.get()[key]);
}
