import type { MemoryDatabase } from './memory-destination.ts';
import { rowText } from './memory-destination.ts';
import type { SimulatedDatabase, SimulatedTable } from './simulated-database.ts';
import { schemaOf } from './simulated-database.ts';

/** How a destination table differs from the source's, for people; undefined: not at all. */
export function differenceOf(
  source: SimulatedDatabase,
  table: SimulatedTable,
  target: MemoryDatabase,
  place: string,
): string | undefined {
  const expected = source
    .rows(table, source.snapshot())
    .map(({ row }) => rowText(row))
    .sort();
  const actual = target.rows(place, schemaOf(table));
  if (expected.join('\n') === actual.join('\n')) return undefined;
  return `\nmissing\n  ${without(expected, actual)}\ntoo much\n  ${without(actual, expected)}`;
}

function without(from: readonly string[], removed: readonly string[]): string {
  const left = [...removed];
  return from
    .filter((text) => {
      const place = left.indexOf(text);
      if (place !== -1) left.splice(place, 1);
      return place === -1;
    })
    .join('\n  ');
}
