/**
 * Every failure a user can meet is a `Problem`: a code, what happened, and what to do about it.
 *
 * Three kinds. `operator`: somebody must change something; retrying alone will not help. `retry`: the world is
 * expected to mend itself (network, server restart); callers back off and try again. `bug`: ours.
 */
export type ProblemKind = 'operator' | 'retry' | 'bug';

/** `BRM-<AREA>-<WORD>`, e.g. `BRM-STORE-FENCED`. Stable: scripts and documents refer to it. */
export type ProblemCode = `BRM-${string}`;

export interface ProblemOptions {
  readonly kind?: ProblemKind;
  /** What the reader can do now, in the imperative, with the exact SQL or command where there is one. */
  readonly remedy?: string;
  /** Where: file, line, field, table, row key, column. Never secrets. */
  readonly at?: Readonly<Record<string, string | number>>;
  readonly cause?: unknown;
}

export class Problem extends Error {
  override readonly name = 'Problem';
  readonly code: ProblemCode;
  readonly kind: ProblemKind;
  readonly remedy: string | undefined;
  readonly at: Readonly<Record<string, string | number>>;

  constructor(code: ProblemCode, message: string, options: ProblemOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.kind = options.kind ?? 'operator';
    this.remedy = options.remedy;
    this.at = options.at ?? {};
  }

  toJSON(): ProblemRecord {
    return {
      code: this.code,
      kind: this.kind,
      message: this.message,
      remedy: this.remedy ?? null,
      at: this.at,
    };
  }
}

/** A problem as data: in status records, logs and `--json` output. */
export interface ProblemRecord {
  readonly code: ProblemCode;
  readonly kind: ProblemKind;
  readonly message: string;
  readonly remedy: string | null;
  readonly at: Readonly<Record<string, string | number>>;
}

/** Anything thrown, as a Problem: itself if it is one, else a `bug` that wraps it. */
export function toProblem(thrown: unknown): Problem {
  if (thrown instanceof Problem) return thrown;
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  return new Problem('BRM-BUG', message, { kind: 'bug', cause: thrown });
}

/** States what must be true. A violated assertion is our bug and stops the task at once. */
export function assert(condition: unknown, what: string): asserts condition {
  if (!condition) throw new Problem('BRM-BUG', `assertion failed: ${what}`, { kind: 'bug' });
}
