import type { AlertLimits, Run, RuntimeStatus, VerificationReport } from '@brimful/model';
import type { Standstill } from './standstill.ts';

/** What is looked at. */
export interface Sight {
  readonly status: RuntimeStatus;
  /** Those that go on, and those that ended lately. */
  readonly runs: readonly Run[];
  /** The newest report about each subject. */
  readonly verifications: readonly VerificationReport[];
  readonly limits: AlertLimits;
  readonly standstill: Standstill;
  /** Ids of alerts that are open: what they are about must be well within its limit again before they end. */
  readonly open: ReadonlySet<string>;
  /** What happened before is nobody's news. Milliseconds since 1970. */
  readonly since: number;
}

/** Part of a limit below which an open alert's value must fall. */
export const CALM_SHARE = 0.8;

/** Whether a value is above a limit; once it is told, until it is well below. */
export function isAbove(value: number, limit: number, isOpen: boolean): boolean {
  return value > limit * (isOpen ? CALM_SHARE : 1);
}
