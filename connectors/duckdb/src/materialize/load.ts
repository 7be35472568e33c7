import type { Column } from '@brimful/model';
import { quoteName } from '../database/sql.ts';
import { nativeName } from '../types/native-type.ts';
import type { ChangeTarget } from './change-target.ts';
import { comparable, heldOf, relationOfTarget } from './change-target.ts';
import type { HeldColumn } from './held-column.ts';
import type { Touched } from './table-state.ts';

/** Notes keys for `index`, durably: the load may be resumed by another process. */
export async function touch(
  target: ChangeTarget,
  keys: readonly Column[],
  rows: number,
  generation: number,
): Promise<void> {
  if (rows === 0) return;
  const touched = await touchedTable(target, generation);
  const { schema } = target;
  const origin = { columns: schema.key, key: keys.map((_, index) => index) };
  const types = keys.map((column) => column.type);
  await target.feed(types, [{ rows, columns: keys }], origin, async (source) => {
    await target.connection.run(
      `INSERT INTO ${touched.table} SELECT ${types.map((_, index) => `c${index}`).join(', ')} FROM ${source}`,
    );
  });
}

async function touchedTable(target: ChangeTarget, generation: number): Promise<Touched> {
  const { connection, state } = target;
  const types = keyColumns(target).map((held) => nativeName(held.type));
  if (state.touched === undefined) {
    // By generation, because names of tables are exchanged.
    const table = `brimful.${quoteName(`touched ${state.databaseSchema}.${state.table} ${generation}`)}`;
    await connection.run(
      `CREATE OR REPLACE TABLE ${table} (${types.map((type, index) => `k${index} ${type}`).join(', ')})`,
    );
    state.touched = { table, types, everything: false };
    return state.touched;
  }
  const { touched } = state;
  if (touched.types.join() !== types.join() && !touched.everything) {
    // A key column was widened since, or the key is another: then copies are looked for everywhere.
    touched.everything = true;
  }
  if (touched.everything && touched.types.join() !== types.join()) {
    await connection.run(
      `CREATE OR REPLACE TABLE ${touched.table} (${types.map((type, index) => `k${index} ${type}`).join(', ')})`,
    );
    touched.types = types;
  }
  return touched;
}

/** Of the rows with a touched key, the last one stays: the history that follows makes it right. */
export async function index(target: ChangeTarget): Promise<void> {
  const { connection, state } = target;
  const { touched } = state;
  state.phase = 'indexed';
  if (touched === undefined) return;
  state.touched = undefined;
  const relation = relationOfTarget(target);
  const columns = keyColumns(target);
  const keys = columns.map((held) => comparable(held, `t.${quoteName(held.name)}`));
  const noted = columns.map((held, place) => `${comparable(held, `k${place}`)} AS k${place}`).join(', ');
  const match = keys.map((key, place) => `${key} = k.k${place}`).join(' AND ');
  const among = touched.everything
    ? ''
    : ` JOIN (SELECT DISTINCT ${noted} FROM ${touched.table}) AS k ON ${match}`;
  const copies = `SELECT t.rowid AS address, row_number() OVER (PARTITION BY ${keys.join(', ')} ORDER BY t.rowid DESC) AS place
    FROM ${relation} AS t${among}`;
  await connection.run(
    `DELETE FROM ${relation} WHERE rowid IN (SELECT address FROM (${copies}) WHERE place > 1)`,
  );
  await connection.run(`DROP TABLE ${touched.table}`);
}

function keyColumns(target: ChangeTarget): HeldColumn[] {
  return target.schema.key.map((name) => heldOf(target, name));
}
