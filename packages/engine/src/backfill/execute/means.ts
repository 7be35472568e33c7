import type { BindingPlan, VerificationReport } from '@brimful/model';
import type { CaptureTask } from '../../capture/capture-task.ts';
import type { EngineContext } from '../../context.ts';
import type { MaterializationTask } from '../../materialization/materialization-task.ts';
import type { Governor } from '../govern/governor.ts';
import type { RunBook } from '../run-book.ts';

/** What runs are executed with: the tasks at work in this process, and the record of what is wanted. */
export interface RunMeans {
  readonly context: EngineContext;
  readonly book: RunBook;
  readonly captures: readonly CaptureTask[];
  readonly materializations: readonly MaterializationTask[];
  /** Folds a collection's history into one row a key, up to about now. Returns when later loads can begin there. */
  compact(collection: string, generation: number, signal: AbortSignal): Promise<void>;
  /** Compares what a run has built or merged with where it came from. */
  verify(subject: VerifySubject, signal: AbortSignal): Promise<readonly VerificationReport[]>;
  /** By capture. */
  readonly governors: ReadonlyMap<string, Governor>;
}

export interface VerifySubject {
  readonly binding: BindingPlan;
  readonly level: 'full' | 'counts';
  /** Whether the source is compared with the collection, too. */
  readonly source: boolean;
  /** Of the collection. */
  readonly generation: number;
  /** Whose pace reading the source goes by. */
  readonly run: string;
}
