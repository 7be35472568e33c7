import type { Alert, RuntimeStatus } from '@brimful/model';
import type { LogEntry } from './log.ts';
import type { RunSummary } from './run.ts';
import type { Verification } from './verification.ts';

/**
 * What `GET /api/v1/events` sends: the event's name and its data. At first the status, every run and verification, and the
 * newest log lines and alerts, as they are; then what changes, a status at most once a second. What is between may be skipped, so
 * that a slow reader is never behind for long.
 */
export interface LiveEvents {
  readonly status: RuntimeStatus;
  readonly run: RunSummary;
  readonly verification: Verification;
  readonly log: LogEntry;
  readonly alert: Alert;
}

export type Topic = 'status' | 'runs' | 'verifications' | 'logs' | 'alerts';
export const TOPICS: readonly Topic[] = ['status', 'runs', 'verifications', 'logs', 'alerts'];
