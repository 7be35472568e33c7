import type { RunRequest } from '@brimful/model';
import { NO_THROTTLE, SCOPE_KEYS_LIMIT, WHOLE_TABLE } from '@brimful/model';
import type { Verified } from './verified.ts';

/** What the verified thing is, and whose repair it is. */
export interface RepairSubject {
  readonly collection: string;
  readonly hasKey: boolean;
  /** The capture that feeds the collection. */
  readonly capture: string;
  /** The materialization, when it was a table that was verified. */
  readonly materialization?: string;
}

export interface RepairTerms extends Pick<RunRequest, 'author' | 'deleteLimit' | 'undoMilliseconds'> {
  /** Absent: told from the report. */
  readonly reason?: string;
}

/**
 * The smallest run that mends what a verification found to differ; undefined when it found nothing. Still only a request:
 * it is planned, shown and applied like every other.
 *
 * Known keys are read again at the source, and the journal carries them to every table. With more keys than a run takes,
 * a table is rebuilt from its collection (the source is not touched), and a collection reads its whole table again in
 * place; without a key that is only possible as a reset. A table is also rebuilt when it has rows that its collection never
 * had: what is read at the source is merged, and cannot say that these must go.
 */
export function repairOf(
  { report, differing }: Verified,
  subject: RepairSubject,
  terms: RepairTerms,
): RunRequest | undefined {
  if (report.verdict !== 'divergent') return undefined;
  const rows = report.onlyLeft + report.onlyRight + report.different;
  const common = {
    bindings: [subject.collection],
    scope: WHOLE_TABLE,
    columns: null,
    reason: terms.reason ?? `${rows} rows differ between ${report.sides} (${report.subject})`,
    author: terms.author,
    acknowledged: [],
    missingRows: 'remove',
    deleteLimit: terms.deleteLimit,
    throttle: NO_THROTTLE,
    windows: [],
    undoMilliseconds: terms.undoMilliseconds,
    verify: 'full',
  } as const;
  const { keys, complete } = differing;
  const isMerged = subject.materialization === undefined || report.onlyRight === 0;
  if (isMerged && complete && keys.length > 0 && keys.length <= SCOPE_KEYS_LIMIT) {
    return { ...common, mode: 'repair', task: subject.capture, scope: { kind: 'keys', keys } };
  }
  if (subject.materialization !== undefined) {
    return { ...common, mode: 'materialization', task: subject.materialization };
  }
  return { ...common, mode: subject.hasKey ? 'incremental' : 'reset', task: subject.capture };
}
