import { Problem } from '@brimful/model';

/**
 * The result, if it comes in time. Otherwise throws `BRM-CONNECTION-SLOW`; what was begun ends by itself, within the timeouts
 * of its connector.
 */
export async function withinTime<T>(work: Promise<T>, milliseconds: number, what: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () =>
        reject(
          new Problem('BRM-CONNECTION-SLOW', `${what} did not answer in ${milliseconds / 1000} s.`, {
            kind: 'retry',
            remedy: 'See whether it can be reached from here.',
          }),
        ),
      milliseconds,
    );
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
    // Nobody waits for it any more.
    work.catch(() => undefined);
  }
}
