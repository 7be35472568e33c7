import type { Batch, Column, ColumnKind, Schema } from '@brimful/model';
import { ColumnBuilder, keyIndices, keyListReader, keyReader } from '@brimful/model';
import type { MergeStep } from '@brimful/connector';

import { quoteIdentifier } from '../types/identifier.ts';
import { assignments, equal, mergeTarget } from './merge-target.ts';
import type { OpenTable } from './open-table.ts';
import { rowSource } from './row-source.ts';
import type { SourceColumn } from './row-source.ts';
import type { Origin, Transaction } from './transaction.ts';

export type Move = Extract<MergeStep, { kind: 'move' }>;

/** Each comes as a batch of its own; more at once would only hold memory. */
const MOVES_LIMIT = 10_000;

/** Key types whose keys differ exactly if their bytes do. Only their moves are done many at once. */
const PLAIN_KINDS: ReadonlySet<ColumnKind> = new Set([
  'int16',
  'int32',
  'int64',
  'uuid',
  'text',
  'date',
  'time',
  'timestamp',
  'bytes',
  'boolean',
]);

/**
 * Cuts consecutive moves into runs whose keys, old and new, are all different: within a run the order does not
 * matter, so one statement can do it. A source that renumbers a table sends nothing but moves.
 */
export function moveRuns(moves: readonly Move[]): Move[][] {
  const runs: Move[][] = [];
  let run: Move[] = [];
  let seen = new Set<unknown>();
  for (const move of moves) {
    const keys = plainKeys(move);
    const joins =
      run.length > 0 &&
      run.length < MOVES_LIMIT &&
      keys.length > 0 &&
      alike(run[0] as Move, move) &&
      !keys.some((key) => seen.has(key));
    if (!joins) {
      run = [];
      runs.push(run);
      seen = new Set();
    }
    run.push(move);
    for (const key of keys) seen.add(key);
  }
  return runs;
}

/** The old and the new key; none when the key's type has equal values that look different. */
function plainKeys({ batch, oldKey }: Move): readonly unknown[] {
  const { schema } = batch;
  if (
    !keyIndices(schema).every((index) =>
      PLAIN_KINDS.has((schema.columns[index] as Schema['columns'][number]).type.kind),
    )
  )
    return [];
  return [keyListReader(schema)(oldKey, 0), keyReader(schema)(batch.columns, 0)];
}

function alike(a: Move, b: Move): boolean {
  return (
    a.batch.schema === b.batch.schema &&
    a.unknown.length === b.unknown.length &&
    a.unknown.every((index, place) => b.unknown[place] === index)
  );
}

/** Does a run of moves. What stands at a new key goes first if its mover exists; a mover that is not there is an upsert. */
export function moveRows(transaction: Transaction, table: OpenTable, run: readonly Move[]): void {
  const [first] = run;
  if (first === undefined) return;
  const target = mergeTarget(transaction, table, first.batch.schema, first.unknown);
  const origin: Origin = { table, doing: `moving ${run.length} rows` };
  const old = target.keyColumns.map((_, index) => `brimful old key ${index + 1}`);
  const batch = movesBatch(run, old);
  const columns: SourceColumn[] = [
    ...target.known,
    ...target.keyColumns.map(({ type }, index) => ({
      alias: old[index] as string,
      type,
      index: first.batch.schema.columns.length + index,
    })),
  ];
  const source = rowSource(transaction, batch, columns, origin, target.key);
  const { relation, key } = target;
  const names = target.names.join(', ');
  const sets = [
    ...assignments(target, 's'),
    ...key.filter((name) => !target.settable.includes(name)).map((name) => `${name} = s.${name}`),
  ];
  const atOld = (alias: string): string =>
    key.map((name, index) => `${alias}.${name} = s.${quoteIdentifier(old[index] as string)}`).join(' AND ');
  const atNew = equal('t', 's', key);
  const mover = `EXISTS (SELECT FROM ${relation} AS o WHERE ${atOld('o')})`;
  const statement = (text: string): void =>
    transaction.add({ text, parameters: source.parameters, prepared: source.prepared }, origin);
  statement(
    `DELETE FROM ${relation} AS t USING ${source.from} WHERE ${atNew} AND NOT (${atOld('t')}) AND ${mover}`,
  );
  statement(
    `WITH s AS MATERIALIZED (SELECT * FROM ${source.from}),` +
      ` moved AS (UPDATE ${relation} AS t SET ${sets.join(', ')} FROM s WHERE ${atOld('t')}),` +
      ` kept AS (UPDATE ${relation} AS t SET ${sets.join(', ')} FROM s WHERE ${atNew} AND NOT ${mover})` +
      ` INSERT INTO ${relation} (${names}) SELECT ${names} FROM s` +
      ` WHERE NOT ${mover} AND NOT EXISTS (SELECT FROM ${relation} AS t WHERE ${atNew})`,
  );
}

/** All moves of a run as one batch: the new rows' columns, then the old keys'. */
function movesBatch(run: readonly Move[], old: readonly string[]): Batch {
  const { schema } = (run[0] as Move).batch;
  const definitions = [
    ...schema.columns,
    ...keyIndices(schema).map((index, place) => ({
      ...(schema.columns[index] as Schema['columns'][number]),
      name: old[place] as string,
    })),
  ];
  const columnsOf = (move: Move): readonly Column[] => [...move.batch.columns, ...move.oldKey];
  const [single] = run;
  const columns =
    run.length === 1 && single !== undefined
      ? columnsOf(single)
      : definitions.map(({ type }, index) => {
          const builder = new ColumnBuilder(type);
          for (const move of run) builder.appendFrom(columnsOf(move)[index] as Column, 0);
          return builder.finish();
        });
  return {
    schema: { version: schema.version, columns: definitions, key: [] },
    rows: run.length,
    columns,
    changes: undefined,
  };
}
