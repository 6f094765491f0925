// Starts the host's threads, so that none is dearer than it must be.
import { getCompileCacheDir } from "node:module";
import { dirname } from "node:path";
import { Worker, type WorkerOptions } from "node:worker_threads";

/**
 * A thread of the host's own, which gets no variable of the host's but where its compile cache is: without that it would load
 * the type stripper for itself, 25 MB and 60 ms. Whoever starts it ends it.
 */
export function hostThread(entry: URL, options: Omit<WorkerOptions, "env">): Worker {
  const cache = getCompileCacheDir();
  // Node tells the folder that it made for its own version in the one that it was given.
  return new Worker(entry, { ...options, env: cache === undefined ? {} : { NODE_COMPILE_CACHE: dirname(cache) } });
}
