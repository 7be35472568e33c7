import type { VerificationReport } from '@brimful/model';
import type { ControlTarget, VerifyProgress, VerifyRequest } from './control-target.ts';

/** What a verification says on its way: how far it is, and at the very end what it found. */
export type VerifyItem =
  | { readonly progress: VerifyProgress }
  | { readonly reports: readonly VerificationReport[] };

/** Progress that nobody was quick enough to take is dropped for what came after it. */
export async function* verifying(
  target: ControlTarget,
  request: VerifyRequest,
  signal: AbortSignal,
): AsyncGenerator<VerifyItem, void, void> {
  let latest: VerifyProgress | undefined;
  let bell = Promise.withResolvers<undefined>();
  // Whoever stops listening ends the work: nobody else wants its result.
  const stop = new AbortController();
  const result = target.verify(request, AbortSignal.any([signal, stop.signal]), (progress) => {
    latest = progress;
    bell.resolve(undefined);
  });
  try {
    for (;;) {
      const reports = await Promise.race([result, bell.promise]);
      if (reports !== undefined) {
        yield { reports };
        return;
      }
      bell = Promise.withResolvers<undefined>();
      const progress: VerifyProgress | undefined = latest;
      latest = undefined;
      if (progress !== undefined) yield { progress };
    }
  } finally {
    stop.abort();
    // It was told to end; what it says about that concerns nobody any more.
    result.catch(() => undefined);
  }
}
