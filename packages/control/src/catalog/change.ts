import type { CatalogChange, EstimatedNumber } from '@brimful/model';
import type { SourceTable } from './catalog-content.ts';

type Essential = 'action' | 'kind' | 'subject' | 'sentence' | 'consequence' | 'effect';

/** A change, with nothing in what is not given. */
export function change(
  given: Pick<CatalogChange, Essential> & Partial<Omit<CatalogChange, Essential>>,
): CatalogChange {
  return { task: null, rows: null, bytes: null, command: null, ...given };
}

export interface Amount {
  readonly rows: EstimatedNumber | null;
  readonly bytes: EstimatedNumber | null;
}

export const UNKNOWN_AMOUNT: Amount = { rows: null, bytes: null };

export function amountOf(table: SourceTable | undefined): Amount {
  if (table === undefined || table.quality === 'unknown') return UNKNOWN_AMOUNT;
  const { rows, bytes, quality } = table;
  return { rows: { value: rows, quality }, bytes: { value: bytes, quality } };
}

/** Of several together: what is not known makes it a lower bound. Nothing known at all: nothing is said. */
export function amountOfAll(amounts: readonly Amount[]): Amount {
  return { rows: sum(amounts.map(({ rows }) => rows)), bytes: sum(amounts.map(({ bytes }) => bytes)) };
}

function sum(numbers: readonly (EstimatedNumber | null)[]): EstimatedNumber | null {
  const known = numbers.filter((number) => number !== null);
  if (known.length === 0) return null;
  const value = known.reduce((total, number) => total + number.value, 0);
  if (known.length < numbers.length) return { value, quality: 'at least' };
  const [first] = known;
  const isAlike = known.every(({ quality }) => quality === first?.quality);
  return { value, quality: isAlike && first !== undefined ? first.quality : 'statistics' };
}

/** `, about 1,200,000 rows`; nothing where nothing is known. */
export function rowsPhrase({ rows }: Amount): string {
  if (rows === null) return '';
  const count = rows.value.toLocaleString('en-US', { maximumFractionDigits: 0 });
  const word = rows.value === 1 ? 'row' : 'rows';
  return rows.quality === 'exact'
    ? `, ${count} ${word}`
    : `, ${rows.quality === 'at least' ? 'at least' : 'about'} ${count} ${word}`;
}

/** Top-level fields in which two configs differ: their names only. (Invariant 10) */
export function changedFields(before: unknown, after: unknown): readonly string[] {
  const [old, young] = [fieldsOf(before), fieldsOf(after)];
  const names = new Set([...Object.keys(old), ...Object.keys(young)]);
  return [...names].filter((name) => canonical(old[name]) !== canonical(young[name])).sort();
}

function fieldsOf(config: unknown): Readonly<Record<string, unknown>> {
  return typeof config === 'object' && config !== null && !Array.isArray(config)
    ? (config as Readonly<Record<string, unknown>>)
    : { config };
}

function canonical(value: unknown): string {
  return (
    JSON.stringify(value, (_key, inner: unknown) =>
      typeof inner === 'object' && inner !== null && !Array.isArray(inner)
        ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
        : inner,
    ) ?? ''
  );
}

/** Of so many tables each is told; the others together. */
export const TOLD_LIMIT = 100;
