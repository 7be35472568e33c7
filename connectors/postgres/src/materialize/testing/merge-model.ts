import type { TextRow } from './rows.ts';

export type ModelStep =
  | { readonly kind: 'upsert'; readonly rows: readonly TextRow[]; readonly unknown: readonly number[] }
  | { readonly kind: 'delete'; readonly keys: readonly TextRow[] }
  | {
      readonly kind: 'move';
      readonly oldKey: TextRow;
      readonly row: TextRow;
      readonly unknown: readonly number[];
    };

interface ModelRow {
  cells: (string | null)[];
  deleted: boolean;
}

/** The destination contract for one keyed table, in its plainest words. The key's columns come first. */
export class MergeModel {
  readonly #rows = new Map<string, ModelRow>();
  readonly #keyColumns: number;
  readonly #soft: boolean;
  readonly #identity: (key: TextRow) => string;

  constructor(keyColumns: number, soft: boolean, identity: (key: TextRow) => string) {
    this.#keyColumns = keyColumns;
    this.#soft = soft;
    this.#identity = identity;
  }

  apply(step: ModelStep): void {
    switch (step.kind) {
      case 'upsert':
        for (const row of step.rows) this.#upsert(row, step.unknown);
        break;
      case 'delete':
        for (const key of step.keys) this.#delete(key);
        break;
      case 'move':
        this.#move(step.oldKey, step.row, step.unknown);
        break;
    }
  }

  truncate(): void {
    if (!this.#soft) this.#rows.clear();
    for (const row of this.#rows.values()) row.deleted = true;
  }

  /** Rows as text, the deleted mark last, in any order. */
  rows(): (string | null)[][] {
    return [...this.#rows.values()].map(({ cells, deleted }) => [
      ...cells,
      ...(this.#soft ? [deleted ? 't' : 'f'] : []),
    ]);
  }

  #keyOf(row: TextRow): string {
    return this.#identity(row.slice(0, this.#keyColumns));
  }

  #upsert(row: TextRow, unknown: readonly number[]): void {
    const key = this.#keyOf(row);
    const present = this.#rows.get(key)?.cells;
    const cells = row.map((cell, index) => (unknown.includes(index) ? (present?.[index] ?? null) : cell));
    this.#rows.set(key, { cells, deleted: false });
  }

  #delete(key: TextRow): void {
    const present = this.#rows.get(this.#identity(key));
    if (this.#soft && present !== undefined) present.deleted = true;
    else this.#rows.delete(this.#identity(key));
  }

  #move(oldKey: TextRow, row: TextRow, unknown: readonly number[]): void {
    const old = this.#rows.get(this.#identity(oldKey));
    if (old === undefined) return this.#upsert(row, unknown);
    this.#rows.delete(this.#identity(oldKey));
    this.#rows.set(this.#keyOf(row), old);
    this.#upsert(row, unknown);
  }
}
