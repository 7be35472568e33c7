import type { MergeStep } from '@brimful/connector';
import { DELETED_AT_COLUMN } from '@brimful/connector';
import type { Batch, Column, Schema } from '@brimful/model';
import { keyIndices } from '@brimful/model';
import { quoteName } from '../database/sql.ts';
import type { Assignment, ChangeTarget } from './change-target.ts';
import { aliveOnly, assignments, comparable, heldOf, keyMatch, relationOfTarget } from './change-target.ts';
import type { MoveGroup } from './move-group.ts';
import { groupMoves } from './move-group.ts';

/** Rows as they will be, where they take values from rows that are about to go. */
const MERGED = 'temp.brimful_merged';

/**
 * Merges without an index: a hash join on the key finds the rows, they are deleted, and the new ones appended. Measured
 * faster than a primary key at every size (docs/decisions, DuckDB loading), and it needs no memory per row.
 */
export async function merge(target: ChangeTarget, steps: readonly MergeStep[]): Promise<void> {
  for (const step of groupMoves(steps)) {
    switch (step.kind) {
      case 'upsert':
        if (step.mostlySame === true) await upsertDifferent(target, step.batch, step.unknown);
        else await upsert(target, step.batch, step.unknown);
        break;
      case 'delete':
        await remove(target, step.keys, step.rows, step.schema, step.committedAt);
        break;
      case 'moves':
        await move(target, step);
        break;
      case 'append':
        await append(target, [step.batch]);
        break;
      case 'remove':
        await removeCopies(target, step.batch);
        break;
    }
  }
}

/** Adds rows without looking for others of their key. All batches have the same columns. */
export async function append(target: ChangeTarget, batches: readonly Batch[]): Promise<void> {
  const first = batches[0];
  if (first === undefined) return;
  const assigned = assignments(target, first.schema, []);
  await feedBatches(target, batches, async (source) => {
    await target.connection.run(insertFrom(target, assigned, `${source} AS f`));
  });
}

async function upsert(target: ChangeTarget, batch: Batch, unknown: readonly number[]): Promise<void> {
  if (batch.rows === 0) return;
  const { connection } = target;
  const relation = relationOfTarget(target);
  const assigned = assignments(target, batch.schema, unknown);
  const match = keyMatch(target, 't', 'f', keyIndices(batch.schema));
  await feedBatches(target, [batch], async (source) => {
    const keeps = assigned.some((column) => column.feed === undefined && column.constant === undefined);
    if (keeps) {
      const present = (column: Assignment): string => `t.${column.held}`;
      const alive = aliveOnly(target, 't');
      await stage(target, assigned, present, `${source} AS f LEFT JOIN ${relation} AS t ON ${match}${alive}`);
    }
    await connection.run(`DELETE FROM ${relation} AS t USING ${source} AS f WHERE ${match}`);
    if (keeps) await insertStaged(target);
    else await connection.run(insertFrom(target, assigned, `${source} AS f`));
  });
}

/** Like `upsert`, but rows that are there already as given are not written. */
async function upsertDifferent(
  target: ChangeTarget,
  batch: Batch,
  unknown: readonly number[],
): Promise<void> {
  if (batch.rows === 0) return;
  const relation = relationOfTarget(target);
  const assigned = assignments(target, batch.schema, unknown);
  const key = keyIndices(batch.schema);
  const match = keyMatch(target, 't', 'f', key);
  const differs = differences(batch.schema, assigned).map((difference) => ` OR ${difference}`);
  await feedBatches(target, [batch], async (source) => {
    await stage(
      target,
      assigned,
      (column) => `t.${column.held}`,
      `${source} AS f LEFT JOIN ${relation} AS t ON ${match}${aliveOnly(target, 't')}
        WHERE t.rowid IS NULL${differs.join('')}`,
    );
    const keys = target.schema.key.map((name) => heldOf(target, name));
    const staged = keys.map((held) => {
      const name = quoteName(held.name);
      return `${comparable(held, `t.${name}`)} = ${comparable(held, `m.${name}`)}`;
    });
    await target.connection.run(
      `DELETE FROM ${relation} AS t USING ${MERGED} AS m WHERE ${staged.join(' AND ')}`,
    );
    await insertStaged(target);
  });
}

/** For each given column whether the row `t` holds another value than it gets. The engine holds -0 equal to 0; we do not. */
function differences(schema: Schema, assigned: readonly Assignment[]): string[] {
  const result: string[] = [];
  for (const { held, feed, constant } of assigned) {
    const value = feed === undefined ? constant : `f.c${feed}`;
    if (value === undefined || held === quoteName(DELETED_AT_COLUMN)) continue;
    result.push(`t.${held} IS DISTINCT FROM ${value}`);
    const kind = schema.columns[feed ?? -1]?.type.kind;
    if (kind === 'float32' || kind === 'float64')
      result.push(`signbit(t.${held}) IS DISTINCT FROM signbit(${value})`);
  }
  return result;
}

async function remove(
  target: ChangeTarget,
  keys: readonly Column[],
  rows: number,
  schema: Schema,
  committedAt: bigint,
): Promise<void> {
  if (rows === 0) return;
  const { connection, state } = target;
  const relation = relationOfTarget(target);
  const match = keyMatch(
    target,
    't',
    'f',
    keys.map((_, index) => index),
  );
  const origin = { columns: schema.key, key: keys.map((_, index) => index) };
  const types = keys.map((column) => column.type);
  await target.feed(types, [{ rows, columns: keys }], origin, async (source) => {
    await connection.run(
      state.soft
        ? `UPDATE ${relation} AS t SET ${deletedAt(committedAt)} FROM ${source} AS f WHERE ${match}${aliveOnly(target, 't')}`
        : `DELETE FROM ${relation} AS t USING ${source} AS f WHERE ${match}`,
    );
  });
}

/** All moves of the group at once; `groupMoves` has made sure that this is the same as one after the other. */
async function move(target: ChangeTarget, group: MoveGroup): Promise<void> {
  const { connection } = target;
  const { batch, oldKey, unknown, vacated } = group;
  const relation = relationOfTarget(target);
  const assigned = assignments(target, batch.schema, unknown);
  const width = batch.columns.length;
  const before = keyMatch(
    target,
    't',
    'f',
    oldKey.map((_, index) => width + index),
  );
  const after = keyMatch(target, 'n', 'f', keyIndices(batch.schema));
  const columns = [...batch.columns, ...oldKey, vacated];
  const types = columns.map((column) => column.type);
  const names = batch.schema.columns.map((column) => column.name);
  const origin = { columns: [...names, ...batch.schema.key], key: keyIndices(batch.schema) };
  const parts = [{ rows: batch.rows, columns }];
  await target.feed(types, parts, origin, async (source) => {
    const keyName = quoteName(heldOf(target, batch.schema.key[0] as string).name);
    const present = (column: Assignment): string =>
      `CASE WHEN t.${keyName} IS NOT NULL THEN t.${column.held} ELSE n.${column.held} END`;
    await stage(
      target,
      assigned,
      present,
      `${source} AS f LEFT JOIN ${relation} AS t ON ${before}${aliveOnly(target, 't')}
        LEFT JOIN ${relation} AS n ON ${after} AND NOT f.c${columns.length - 1}${aliveOnly(target, 'n')}`,
    );
    await connection.run(`DELETE FROM ${relation} AS t USING ${source} AS f WHERE ${before}`);
    await connection.run(`DELETE FROM ${relation} AS n USING ${source} AS f WHERE ${after}`);
    await insertStaged(target);
  });
}

/** For every row one row that equals it in all columns goes, where there is one. */
async function removeCopies(target: ChangeTarget, batch: Batch): Promise<void> {
  if (batch.rows === 0) return;
  const { connection, state } = target;
  const relation = relationOfTarget(target);
  const fed: string[] = [];
  const held: string[] = [];
  const compare = (feed: string, column: string): void => {
    fed.push(feed);
    held.push(column);
  };
  batch.schema.columns.forEach((definition, index) => {
    const column = heldOf(target, definition.name);
    const name = `t.${quoteName(column.name)}`;
    compare(`c${index}`, name);
    // The engine holds -0 equal to 0; they are different values.
    if (definition.type.kind === 'float32' || definition.type.kind === 'float64') {
      compare(`signbit(c${index})`, `signbit(${name})`);
    }
  });
  const list = fed.map((value, index) => `${value} AS v${index}`).join(', ');
  const groups = fed.map((_, index) => `v${index}`).join(', ');
  const match = held.map((value, index) => `${value} IS NOT DISTINCT FROM f.v${index}`).join(' AND ');
  await feedBatches(target, [batch], async (source) => {
    const wanted = `SELECT ${groups}, count(*) AS copies, row_number() OVER () AS wanted FROM (SELECT ${list} FROM ${source}) GROUP BY ${groups}`;
    const numbered = `SELECT t.rowid AS address, f.copies, row_number() OVER (PARTITION BY f.wanted ORDER BY t.rowid) AS place
      FROM ${relation} AS t JOIN (${wanted}) AS f ON ${match}${aliveOnly(target, 't')}`;
    const addresses = `SELECT address FROM (${numbered}) WHERE place <= copies`;
    await connection.run(
      state.soft
        ? `UPDATE ${relation} SET ${deletedAt(target.now)} WHERE rowid IN (${addresses})`
        : `DELETE FROM ${relation} WHERE rowid IN (${addresses})`,
    );
  });
}

/** All rows go; under soft deletes they are marked, once the table has been loaded. */
export async function truncate(target: ChangeTarget): Promise<void> {
  const relation = relationOfTarget(target);
  const marks = target.state.soft && target.state.phase !== 'loading';
  await target.connection.run(
    marks
      ? `UPDATE ${relation} AS t SET ${deletedAt(target.now)} WHERE true${aliveOnly(target, 't')}`
      : `DELETE FROM ${relation}`,
  );
}

function deletedAt(micros: bigint): string {
  return `${quoteName(DELETED_AT_COLUMN)} = make_timestamptz(${micros})`;
}

async function feedBatches(
  target: ChangeTarget,
  batches: readonly Batch[],
  work: (source: string) => Promise<void>,
): Promise<void> {
  const { schema } = batches[0] as Batch;
  const origin = { columns: schema.columns.map((column) => column.name), key: keyIndices(schema) };
  const types = schema.columns.map((column) => column.type);
  await target.feed(types, batches, origin, work);
}

function insertFrom(target: ChangeTarget, assigned: readonly Assignment[], from: string): string {
  const given = assigned.filter((column) => column.feed !== undefined || column.constant !== undefined);
  const values = given.map((column) => (column.feed === undefined ? column.constant : `f.c${column.feed}`));
  return `INSERT INTO ${relationOfTarget(target)} (${given.map((column) => column.held).join(', ')}) SELECT ${values.join(', ')} FROM ${from}`;
}

async function stage(
  target: ChangeTarget,
  assigned: readonly Assignment[],
  present: (column: Assignment) => string,
  from: string,
): Promise<void> {
  const values = assigned.map((column) => {
    const value = column.feed === undefined ? (column.constant ?? present(column)) : `f.c${column.feed}`;
    return `${value} AS ${column.held}`;
  });
  await target.connection.run(
    `CREATE OR REPLACE TEMP TABLE brimful_merged AS SELECT ${values.join(', ')} FROM ${from}`,
  );
}

async function insertStaged(target: ChangeTarget): Promise<void> {
  await target.connection.run(`INSERT INTO ${relationOfTarget(target)} BY NAME SELECT * FROM ${MERGED}`);
  await target.connection.run(`DROP TABLE ${MERGED}`);
}
