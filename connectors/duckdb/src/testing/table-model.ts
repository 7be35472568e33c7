import type { Action, MergeStep } from '@brimful/connector';
import type { Batch, Column, Schema } from '@brimful/model';
import { keyIndices, matchColumns } from '@brimful/model';
import { valueAt } from '@brimful/model/testing';

export type Cell = string | null;

/** The contract of `Destination` for one table with a key, in the simplest words: a map from keys to rows. */
export class TableModel {
  schema: Schema;
  /** Rows as cells aligned with `schema.columns`. While loading, a key may have several. */
  rows: Cell[][] = [];

  constructor(schema: Schema) {
    this.schema = schema;
  }

  apply(action: Action): void {
    switch (action.kind) {
      case 'evolve':
        return this.#evolve(action.schema);
      case 'load':
        this.rows.push(...cellsOf(action.batch));
        return;
      case 'index':
        this.rows = [...new Map(this.rows.map((row) => [this.#keyOf(row), row])).values()];
        return;
      case 'truncate':
        this.rows = [];
        return;
      case 'merge':
        for (const step of action.steps) this.#merge(step);
        return;
      case 'touch':
      case 'settle':
        return;
    }
  }

  #evolve(next: Schema): void {
    const matches = matchColumns(this.schema, next);
    this.rows = this.rows.map((row) =>
      next.columns.map(({ initial }, index) => {
        const from = matches[index] as number;
        return from === -1 ? (initial ?? null) : (row[from] ?? null);
      }),
    );
    this.schema = next;
  }

  #merge(step: MergeStep): void {
    switch (step.kind) {
      case 'upsert':
        for (const row of cellsOf(step.batch)) {
          const present = this.#take(this.#keyOf(row));
          this.rows.push(
            row.map((cell, index) => (step.unknown.includes(index) ? (present?.[index] ?? null) : cell)),
          );
        }
        return;
      case 'delete':
        for (const key of listed(step.keys, step.rows)) this.#take(key);
        return;
      case 'move': {
        const [row] = cellsOf(step.batch);
        const [oldKey] = listed(step.oldKey, 1);
        if (row === undefined || oldKey === undefined) return;
        const before = this.#take(oldKey);
        const present = this.#take(this.#keyOf(row));
        const source = before ?? present;
        this.rows.push(
          row.map((cell, index) => (step.unknown.includes(index) ? (source?.[index] ?? null) : cell)),
        );
        return;
      }
      case 'append':
      case 'remove':
        throw new Error('not for a table with a key');
    }
  }

  #take(key: string): Cell[] | undefined {
    const at = this.rows.findIndex((row) => this.#keyOf(row) === key);
    return at === -1 ? undefined : this.rows.splice(at, 1)[0];
  }

  #keyOf(row: readonly Cell[]): string {
    return keyIndices(this.schema)
      .map((index) => row[index])
      .join('|');
  }
}

export function cellsOf(batch: Batch): Cell[][] {
  return Array.from({ length: batch.rows }, (_, row) => batch.columns.map((column) => cellAt(column, row)));
}

function listed(keys: readonly Column[], rows: number): string[] {
  return Array.from({ length: rows }, (_, row) => keys.map((column) => cellAt(column, row)).join('|'));
}

function cellAt(column: Column, row: number): Cell {
  const value = valueAt(column, row);
  if (value === null || typeof value === 'symbol') return null;
  return Object.is(value, -0) ? '-0' : String(value);
}
