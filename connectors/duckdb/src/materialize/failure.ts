import { Problem } from '@brimful/model';
import { messageOf } from '../database/open-failure.ts';

interface Known {
  readonly pattern: RegExp;
  readonly code: `BRM-DUCKDB-${string}`;
  readonly kind: 'operator' | 'retry';
  readonly remedy: string;
}

const KNOWN: readonly Known[] = [
  {
    pattern: /No space left|out of disk|Could not write.*file|offload.*block/iu,
    code: 'BRM-DUCKDB-DISK-FULL',
    kind: 'operator',
    remedy: 'Free some space on the disk of the file or of its temporary directory.',
  },
  {
    pattern: /Out of Memory|failed to (pin|allocate)/iu,
    code: 'BRM-DUCKDB-MEMORY',
    kind: 'operator',
    remedy: 'Raise `memoryLimit`, or give `temporaryDirectory` a place with room.',
  },
  {
    pattern: /Catalog Error: Table .* does not exist/u,
    code: 'BRM-DUCKDB-TABLE-GONE',
    kind: 'operator',
    remedy: 'Somebody dropped or renamed the table: rename it back, or backfill it.',
  },
  {
    // An index cannot be built over changes that some transaction of this process does not see yet.
    pattern: /outstanding updates/u,
    code: 'BRM-DUCKDB-CONFLICT',
    kind: 'retry',
    remedy: 'It is tried again.',
  },
  {
    pattern: /Dependency Error|entries that depend on it/u,
    code: 'BRM-DUCKDB-DEPENDENTS',
    kind: 'operator',
    remedy: 'Drop the index or constraint that was put on the table.',
  },
  {
    pattern: /Constraint Error/u,
    code: 'BRM-DUCKDB-CONSTRAINT',
    kind: 'operator',
    remedy: 'Drop the constraint or unique index that was put on the table.',
  },
  {
    pattern: /Conversion Error|Invalid Input Error/u,
    code: 'BRM-DUCKDB-VALUE',
    kind: 'operator',
    remedy: 'See the message for the value.',
  },
  {
    pattern: /Conflict|another transaction/iu,
    code: 'BRM-DUCKDB-CONFLICT',
    kind: 'retry',
    remedy: 'It is tried again.',
  },
  {
    pattern: /IO Error/u,
    code: 'BRM-DUCKDB-IO',
    kind: 'retry',
    remedy: 'Look at the disk the file is on; it is tried again.',
  },
];

/** What a failed statement means for the user. */
export function statementProblem(error: unknown, at: Readonly<Record<string, string>>): Problem {
  if (error instanceof Problem) {
    return error.at['table'] !== undefined || at['table'] === undefined
      ? error
      : new Problem(error.code, error.message, {
          kind: error.kind,
          ...(error.remedy === undefined ? {} : { remedy: error.remedy }),
          at: { ...error.at, ...at },
          cause: error,
        });
  }
  const message = messageOf(error);
  const known = KNOWN.find(({ pattern }) => pattern.test(message));
  if (known === undefined)
    return new Problem('BRM-DUCKDB-FAILED', message, { kind: 'bug', at, cause: error });
  return new Problem(known.code, message, { kind: known.kind, remedy: known.remedy, at, cause: error });
}
