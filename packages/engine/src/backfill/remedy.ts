import type { Batch, Column, ColumnBuilder, OperationCode, Schema } from '@brimful/model';
import { ChangesBuilder, Operation, assert, keyIndices } from '@brimful/model';
import type { Remedy } from './overtaken-rows.ts';

/** No source transaction has this number: every snapshot sees it. */
const NO_TRANSACTION = -1n;
/** Likewise, for updates of some columns that a run read: what they leave out was left out on purpose. */
const CHOSEN_COLUMNS = -2n;

/**
 * Overtaken rows as updates that say only what every change which overtook them left out. The columns that are said come
 * from the chunk, the key from where the row is now; all others are unknown and keep what the stream gave them.
 * (Invariant 5)
 */
export function remedyUpdates(
  batch: Batch,
  rows: readonly { readonly row: number; readonly remedy: Remedy }[],
  committedAt: bigint,
  position: bigint,
): Batch {
  const builder = new ChangesBuilder(batch.schema);
  const keys = new Set(keyIndices(batch.schema));
  for (const { row, remedy } of rows) {
    batch.schema.columns.forEach((definition, index) => {
      const target = builder.columns[index] as ColumnBuilder;
      const { columns, movedTo } = remedy;
      if (keys.has(index) && movedTo !== undefined) {
        const at = movedTo.schema.columns.findIndex((column) => column.name === definition.name);
        target.appendFrom(movedTo.columns[at] as Column, 0);
      } else if (keys.has(index) || columns.has(definition.name)) {
        target.appendFrom(batch.columns[index] as Column, row);
      } else {
        target.appendUnknown();
      }
    });
    builder.endChange(Operation.update, committedAt, position, NO_TRANSACTION);
  }
  return builder.finish();
}

/**
 * Scanned rows as updates that say only some columns and the key. `dropped` ascends. The rows must be known to the
 * collection: what is not said is taken from there.
 */
export function chosenColumns(
  batch: Batch,
  columns: readonly string[],
  dropped: readonly number[],
  committedAt: bigint,
  position: bigint,
): Batch {
  const builder = new ChangesBuilder(batch.schema);
  const said = batch.schema.columns.map(
    ({ name }) => columns.includes(name) || batch.schema.key.includes(name),
  );
  let place = 0;
  for (let row = 0; row < batch.rows; row += 1) {
    if (dropped[place] === row) {
      place += 1;
      continue;
    }
    builder.columns.forEach((column, index) => {
      if (said[index] === true) column.appendFrom(batch.columns[index] as Column, row);
      else column.appendUnknown();
    });
    builder.endChange(Operation.update, committedAt, position, CHOSEN_COLUMNS);
  }
  return builder.finish();
}

/** Whole rows as inserts that no transaction made. */
export function insertsOf(batch: Batch, schema: Schema, committedAt: bigint, position: bigint): Batch {
  const builder = new ChangesBuilder(schema);
  const places = schema.columns.map(({ name }) =>
    batch.schema.columns.findIndex((column) => column.name === name),
  );
  for (let row = 0; row < batch.rows; row += 1) {
    builder.columns.forEach((column, index) =>
      column.appendFrom(batch.columns[places[index] as number] as Column, row),
    );
    builder.endChange(Operation.insert, committedAt, position, NO_TRANSACTION);
  }
  return builder.finish();
}

/** Whether a change left columns out because the source did not say them. */
export function isLeftOutBySource(batch: Batch, row: number): boolean {
  return batch.changes?.transactions[row] !== CHOSEN_COLUMNS;
}

/** Deletes of the rows with these keys. `keys`: batches' key columns in key order, and which of their rows are meant. */
export function missingDeletes(
  schema: Schema,
  keys: readonly Column[],
  rows: readonly number[],
  committedAt: bigint,
  position: bigint,
): Batch {
  const builder = new ChangesBuilder(schema);
  const places = keyIndices(schema);
  for (const row of rows) {
    builder.columns.forEach((column, index) => {
      const place = places.indexOf(index);
      if (place === -1) column.appendNull();
      else column.appendFrom(keys[place] as Column, row);
    });
    builder.endChange(Operation.delete, committedAt, position, NO_TRANSACTION);
  }
  return builder.finish();
}

/** The rows of a batch of changes for which `keep` says yes, in order. */
export function selectChanges(batch: Batch, keep: (row: number) => boolean): Batch | undefined {
  const builder = new ChangesBuilder(batch.schema);
  for (let row = 0; row < batch.rows; row += 1) if (keep(row)) appendChange(builder, batch, row);
  return builder.rows === 0 ? undefined : builder.finish();
}

/** One row of a batch of changes. */
export function changeAt(batch: Batch, row: number): Batch {
  const builder = new ChangesBuilder(batch.schema);
  appendChange(builder, batch, row);
  return builder.finish();
}

function appendChange(builder: ChangesBuilder, batch: Batch, row: number): void {
  const { changes } = batch;
  assert(changes !== undefined, 'only changes are selected from');
  batch.columns.forEach((column, index) => (builder.columns[index] as ColumnBuilder).appendFrom(column, row));
  const operation = changes.operations[row] as OperationCode;
  if (operation === Operation.move) {
    const old = builder.oldKey();
    changes.oldKey?.forEach((column, place) => (old[place] as ColumnBuilder).appendFrom(column, row));
  }
  builder.endChange(
    operation,
    changes.committedAt[row] as bigint,
    changes.positions[row] as bigint,
    changes.transactions[row] as bigint,
  );
}
