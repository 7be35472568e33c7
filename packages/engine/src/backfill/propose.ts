import type { ProblemRecord, RunProposal, Schema } from '@brimful/model';
import { widensTo } from '@brimful/model';
import { hasLostChanges } from '../capture/lost-changes.ts';

/** What is known of a table that something is wrong with. */
export interface TableInTrouble {
  readonly capture: string;
  readonly collection: string;
  /** It has lost changes, and is fed no longer. */
  readonly isGap: boolean;
  /** It is fed, but rows written before may hold other values at the source by now. */
  readonly isStale: boolean;
  /** A run reads it already, or builds what takes its place. */
  readonly isRead: boolean;
  readonly problem: ProblemRecord;
  /** Every shape its rows have had, oldest first; the last one is the present one. */
  readonly shapes: readonly Schema[];
}

/** Changes were lost, and the shape stayed as it was: reading all of it again, in place, mends that. */
const SAME_SHAPE_CODES: ReadonlySet<string> = new Set(['BRM-PG-NOT-PUBLISHED']);
/** A reset is building what is whole. */
const UNDER_WAY_CODES: ReadonlySet<string> = new Set(['BRM-RUN-GAP']);

/** The smallest safe run that mends a table; undefined: none is needed, or none can help. */
export function proposalOf(table: TableInTrouble): RunProposal | undefined {
  const { isGap, isStale, isRead, problem, shapes, collection } = table;
  if (isRead || UNDER_WAY_CODES.has(problem.code)) return undefined;
  const schema = shapes.at(-1);
  const hasKey = (schema?.key.length ?? 0) > 0;
  if (isGap) {
    return hasKey && SAME_SHAPE_CODES.has(problem.code)
      ? {
          command: command(table, 'incremental', 'changes were lost'),
          sentence: `Read all of ${collection} again, in place: its columns and its key still fit.`,
        }
      : {
          command: command(table, 'reset', 'changes were lost'),
          sentence: `Reset ${collection}: what it is now is read into the next generation, and swapped in.`,
        };
  }
  if (!isStale) return undefined;
  const columns = columnsOf(problem);
  if (!hasKey) {
    return {
      command: command(table, 'reset', 'rewritten at the source'),
      sentence: `Reset ${collection}: without a key its rows cannot be found again in place.`,
    };
  }
  if (!areHeld(shapes)) {
    return {
      command: command(table, 'reset', 'another type at the source'),
      sentence: `Reset ${collection}: its older values do not all fit into the types that its columns have now.`,
    };
  }
  const alone = columns.length > 0 && !columns.some((column) => schema?.key.includes(column));
  return {
    command: command(table, 'incremental', 'rewritten at the source', alone ? columns : []),
    sentence: alone
      ? `Read ${columns.join(', ')} of ${collection} again, in place: older rows have other values at the source.`
      : `Read all of ${collection} again, in place: older rows have other values at the source.`,
  };
}

/** Whether older values fit into the present columns, so that old and new can be merged. */
function areHeld(shapes: readonly Schema[]): boolean {
  const present = new Map(shapes.at(-1)?.columns.map((column) => [column.sourceId, column.type]));
  return shapes.every(({ columns }) =>
    columns.every(({ sourceId, type }) => {
      const now = present.get(sourceId);
      return now === undefined || widensTo(type, now);
    }),
  );
}

/** What can be done when the source has forgotten changes of every table of a capture. */
export function captureProposalOf(
  capture: string,
  problem: ProblemRecord | undefined,
): RunProposal | undefined {
  if (!hasLostChanges(problem)) return undefined;
  return {
    command: `brimful backfill run ${word(capture)} --mode reset --reason "changes were lost"`,
    sentence: `Reset all tables of ${capture}: the stream begins anew, and each is read whole beside what is there, and swapped in.`,
  };
}

/** As the connector names them; none: it does not know which. */
function columnsOf({ at }: ProblemRecord): readonly string[] {
  const { columns } = at;
  return typeof columns === 'string' && columns !== '' ? columns.split(', ') : [];
}

function command(
  { capture, collection }: TableInTrouble,
  mode: 'incremental' | 'reset',
  reason: string,
  columns: readonly string[] = [],
): string {
  return [
    `brimful backfill run ${word(capture)} --binding ${word(collection)} --mode ${mode}`,
    ...(columns.length === 0 ? [] : [`--columns ${word(columns.join(','))}`]),
    `--reason "${reason}"`,
  ].join(' ');
}

/** Safe to copy into a shell. */
function word(text: string): string {
  return /^[\w./:,@+-]+$/u.test(text) ? text : `'${text.replaceAll("'", String.raw`'\''`)}'`;
}
