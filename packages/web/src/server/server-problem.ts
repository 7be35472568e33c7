import type { ProblemRecord } from '@brimful/model';
import { toProblem } from '@brimful/model';

/** What the server refused or could not do, as something to show. */
export function problemOf(thrown: unknown): ProblemRecord {
  if (thrown instanceof DOMException && thrown.name === 'TimeoutError') {
    return {
      code: 'BRM-WEB-TIMEOUT',
      kind: 'retry',
      message: 'Brimful did not answer in time. What was asked for may still happen.',
      remedy: 'Look at the runs before you ask again.',
      at: {},
    };
  }
  return toProblem(thrown).toJSON();
}
