const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

export interface StopSignals extends Disposable {
  /** Resolves at the first signal. */
  readonly stopped: Promise<void>;
}

/** The first SIGINT, SIGTERM or SIGHUP asks for an orderly stop; the second calls `atOnce`. */
export function stopSignals(atOnce: () => void): StopSignals {
  const { promise, resolve } = Promise.withResolvers<void>();
  let asked = false;
  const onSignal = (): void => {
    if (asked) atOnce();
    asked = true;
    resolve();
  };
  for (const signal of SIGNALS) process.on(signal, onSignal);
  return {
    stopped: promise,
    [Symbol.dispose]() {
      for (const signal of SIGNALS) process.off(signal, onSignal);
    },
  };
}
