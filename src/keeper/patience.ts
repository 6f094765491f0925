// Waiting for no longer than so long. A start waits like this several times: an AbortSignal each would cost it an error, with
// its stack, that nobody reads.

/**
 * What `work` comes to, or undefined when `ms` are over first; `work` goes on then, and a failure of it is nobody's any
 * more. `ref` false: this wait alone does not keep the process alive.
 */
export function within<T>(ms: number, work: Promise<T>, { ref = true } = {}): Promise<T | undefined> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, ms, undefined);
    if (!ref) timer.unref();
    work.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}
