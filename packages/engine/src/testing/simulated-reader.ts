import type { Value } from '@brimful/model/testing';
import type { MemoryDatabase } from './memory-destination.ts';
import { rowText } from './memory-destination.ts';
import type { SimulatedDatabase, SimulatedTable } from './simulated-database.ts';
import { keyText, schemaOf } from './simulated-database.ts';

/** A row that was seen and that nobody has changed since: whoever looks later must see it. */
interface Seen {
  readonly text: string;
  readonly width: number;
}

interface Watched {
  readonly table: SimulatedTable;
  readonly name: string;
  state: unknown;
  isComplete: boolean;
  isTruncated: boolean;
  /** How often each key was changed at the source, committed or not. A truncation counts for all. */
  readonly changes: Map<string, number>;
  readonly seen: Map<string, Seen>;
  /** Of a table that only grows: how often each row was seen. */
  counts: Map<string, number>;
}

/**
 * Somebody who looks at a destination all the time. Once a table is complete it is never missing and never incomplete, and
 * a row that was seen and that nobody touched at the source stays to be seen, as it is, whatever is swapped. (Invariant 7)
 */
export class SimulatedReader {
  readonly #target: MemoryDatabase;
  readonly #complain: (text: string) => void;
  readonly #watched: readonly Watched[];

  /** Begin before the first row is written. */
  constructor(database: SimulatedDatabase, target: MemoryDatabase, complain: (text: string) => void) {
    this.#target = target;
    this.#complain = complain;
    this.#watched = database.tables.map((table) => ({
      table,
      name: table.name.slice('public.'.length),
      state: undefined,
      isComplete: false,
      isTruncated: false,
      changes: new Map(),
      seen: new Map(),
      counts: new Map(),
    }));
    database.observers.push((table, row) => {
      const watched = this.#watched.find((candidate) => candidate.table === table);
      if (watched !== undefined) noteChange(watched, row);
    });
  }

  /** After every step. Cheap where nothing was written. */
  look(): void {
    for (const watched of this.#watched) this.#lookAt(watched);
  }

  #lookAt(watched: Watched): void {
    const { name } = watched;
    const state = this.#target.tables.get(name)?.state;
    if (state === watched.state) return;
    watched.state = state;
    if (state?.phase !== 'settled') {
      if (!watched.isComplete) return;
      this.#complain(`a reader finds ${name} ${state === undefined ? 'missing' : 'incomplete'}`);
      return;
    }
    watched.isComplete = true;
    if (state.schema.key.length > 0) this.#compareKeyed(watched, state.rows);
    else if (watched.table.identity === 'none' && !watched.isTruncated)
      this.#compareGrowing(watched, state.rows);
  }

  #compareKeyed(watched: Watched, rows: readonly (readonly Value[])[]): void {
    const schema = schemaOf(watched.table);
    const now = new Map(rows.map((row) => [keyText(schema, row), row]));
    for (const [key, { text, width }] of watched.seen) {
      const row = now.get(key);
      const least = Math.min(width, row?.length ?? width);
      const same = row !== undefined && rowText(row.slice(0, least)) === cut(text, least);
      if (!same)
        this.#complain(
          `a reader of ${watched.name} saw ${text} and now ${JSON.stringify(row && rowText(row))}`,
        );
    }
    for (const [key, row] of now)
      if ((watched.changes.get(key) ?? 0) <= 1)
        watched.seen.set(key, { text: rowText(row), width: row.length });
  }

  #compareGrowing(watched: Watched, rows: readonly (readonly Value[])[]): void {
    const counts = new Map<string, number>();
    for (const row of rows) {
      // Columns that came later are not what it was seen with.
      const text = rowText(row.slice(0, 2));
      counts.set(text, (counts.get(text) ?? 0) + 1);
    }
    for (const [text, count] of watched.counts)
      if ((counts.get(text) ?? 0) < count)
        this.#complain(`a reader of ${watched.name} saw ${text} ${count} times and now ${counts.get(text)}`);
    watched.counts = counts;
  }
}

function noteChange(watched: Watched, row: readonly Value[] | undefined): void {
  const { changes, seen, table } = watched;
  if (row === undefined) {
    watched.isTruncated = true;
    for (const [key, count] of changes) changes.set(key, count + 1);
    seen.clear();
    return;
  }
  const key = keyText(schemaOf(table), row);
  changes.set(key, (changes.get(key) ?? 0) + 1);
  seen.delete(key);
}

function cut(text: string, width: number): string {
  return rowText((JSON.parse(text) as Value[]).slice(0, width));
}
