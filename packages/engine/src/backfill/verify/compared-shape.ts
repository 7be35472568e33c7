import type { Batch, Column, RowHashes, Schema } from '@brimful/model';
import { Problem, alignBatch, hashRows, keyIndices, matchColumns } from '@brimful/model';

/** `full`: whole rows. `counts`: which keys there are and how often, not their values. */
export type Level = 'full' | 'counts';

/** Which columns of the rows are compared, and how. Fixed for one comparison: both sides are brought into it. */
export interface ComparedShape {
  /** The compared columns, the key's among them. */
  readonly schema: Schema;
  readonly level: Level;
  /** Sentences on what is left out, and why. */
  readonly skipped: readonly string[];
}

/** By column: why its values cannot be compared. */
export type LeftOutColumns = ReadonlyMap<string, string>;

/** Throws `BRM-VERIFY-KEY` when rows cannot be told apart without what must be left out. */
export function shapeOf(schema: Schema, level: Level, leftOut: LeftOutColumns): ComparedShape {
  const key = schema.key.find((name) => leftOut.has(name));
  if (key !== undefined) {
    throw new Problem('BRM-VERIFY-KEY', `key column ${key} cannot be compared: ${leftOut.get(key)}`, {
      remedy: 'Verify on the other side of the collection, or rebuild the table from it.',
      at: { column: key },
    });
  }
  const skipped = schema.columns
    .filter(({ name }) => leftOut.has(name))
    .map(({ name }) => `column ${name}: ${leftOut.get(name)}`);
  const columns = schema.columns.filter(({ name }) => !leftOut.has(name));
  return { schema: skipped.length === 0 ? schema : { ...schema, columns }, level, skipped };
}

/** Hashes of rows and of what tells them apart: their keys, or all of them where there is no key. */
export interface RowDigests {
  readonly key: RowHashes;
  readonly row: RowHashes;
}

/** `batch` in the compared shape, whichever version its rows were written in. */
export function intoShape(batch: Batch, shape: ComparedShape): Batch {
  return alignBatch(batch, shape.schema);
}

export function keyColumnsOf({ schema, columns }: Batch): Column[] {
  return keyIndices(schema).map((index) => columns[index] as Column);
}

/** Of a batch in the compared shape. */
export function digestsOf(batch: Batch, shape: ComparedShape): RowDigests {
  const hasKey = shape.schema.key.length > 0;
  const row = !hasKey || shape.level === 'full' ? hashRows(batch.columns, batch.rows) : undefined;
  const key = hasKey ? hashRows(keyColumnsOf(batch), batch.rows) : (row as RowHashes);
  return { key, row: row ?? key };
}

/**
 * Sees to it that all batches of a read have the columns that are compared. `news` collects columns beyond them: they are
 * not compared, so they must be named among what was skipped.
 */
export class ShapeWatch {
  readonly news = new Set<string>();
  readonly #shape: ComparedShape;
  readonly #known: ReadonlySet<string>;
  #last: Schema | undefined;

  /** `known`: names of columns that are left out on purpose. */
  constructor(shape: ComparedShape, known: ReadonlySet<string>) {
    this.#shape = shape;
    this.#known = known;
  }

  /** Throws `BRM-VERIFY-MOVED` when the table lost a column or has another key. */
  check({ schema }: Batch): void {
    if (schema === this.#last) return;
    const wanted = this.#shape.schema;
    const matches = matchColumns(schema, wanted);
    const lost = wanted.columns.find((_, index) => matches[index] === -1);
    const key = wanted.key.map((name) => wanted.columns.findIndex((column) => column.name === name));
    const sameKey =
      key.length === schema.key.length &&
      key.every((index, place) => schema.columns[matches[index] as number]?.name === schema.key[place]);
    if (lost !== undefined || !sameKey) {
      throw new Problem(
        'BRM-VERIFY-MOVED',
        lost === undefined ? 'the table has another key than its collection' : `column ${lost.name} is gone`,
        { kind: 'retry', remedy: 'Verify again once the change of shape has arrived.' },
      );
    }
    schema.columns.forEach(({ name }, index) => {
      if (!matches.includes(index) && !this.#known.has(name)) this.news.add(name);
    });
    this.#last = schema;
  }
}
