import type { CaptureSession } from '@brimful/connector';
import type { CapturedTable } from './captured-table.ts';

/** What runs need of the session that is open now. */
export interface LiveSession {
  readonly session: CaptureSession;
  /** Begins to read a table, or goes on with it; nothing happens when it is being read, or needs not be. */
  start(table: CapturedTable): void;
  /** Ends the session: the next one opens everything anew. */
  fail(thrown: unknown): void;
}
