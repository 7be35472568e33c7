import type { ProblemCode } from '@brimful/model';
import { Problem } from '@brimful/model';

/** A scope that the source cannot serve, and what to ask for instead. */
export function scopeProblem(
  code: ProblemCode,
  message: string,
  remedy: string,
  at: Readonly<Record<string, string | number>>,
  cause?: unknown,
): Problem {
  return new Problem(code, message, { remedy, at, ...(cause === undefined ? {} : { cause }) });
}
