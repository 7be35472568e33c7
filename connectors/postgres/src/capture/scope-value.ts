import { storedType, typeName } from '../types/postgres-type.ts';
import { quoteIdentifier } from '../types/identifier.ts';
import type { BoundColumn } from './scope-bound.ts';
import { scopeProblem } from './scope-problem.ts';

/** Types by which time passes. */
const TIME_FORMS: ReadonlyMap<number, { readonly pattern: RegExp; readonly form: string }> = new Map([
  [1082, { pattern: /^\d{4,}-\d\d-\d\d([T ]00:00(:00(\.0+)?)?)?( BC)?$/, form: 'a date, e.g. 2026-01-31' }],
  [
    1114,
    {
      pattern: /^\d{4,}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d{1,6}0*)?)?( BC)?$/,
      form: 'a local time without an offset, at most microseconds, e.g. 2026-01-31T14:30:00',
    },
  ],
  [
    1184,
    {
      pattern: /^\d{4,}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d{1,6}0*)?)?(Z|[+-]\d\d(:?\d\d)?)( BC)?$/,
      form: 'an instant with its offset, at most microseconds, e.g. 2026-01-31T14:30:00Z',
    },
  ],
]);

export function isTime(column: BoundColumn): boolean {
  return TIME_FORMS.has(storedType(column.type).oid);
}

/**
 * Throws where the server would take a value, but for something else than it says: `now`, an offset that a column
 * without a zone drops, digits that it rounds, bytes that no text has. What is left the server itself must parse.
 */
export function checkValue(resource: string, column: BoundColumn, value: string): void {
  const form = TIME_FORMS.get(storedType(column.type).oid);
  if (form !== undefined && !form.pattern.test(value)) throw valueProblem(resource, column, value, form.form);
  if (value.includes('\0') || !value.isWellFormed()) {
    throw valueProblem(resource, column, JSON.stringify(value), 'text that Postgres can hold');
  }
}

export function valueProblem(
  resource: string,
  column: BoundColumn,
  value: string,
  wanted: string,
  cause?: unknown,
): Error {
  return scopeProblem(
    'BRM-SCOPE-VALUE',
    `'${cut(value)}' is no bound for ${quoteIdentifier(column.name)} of ${resource}, which is ${typeName(column.type)}.`,
    `Write ${wanted}.`,
    { table: resource, column: column.name },
    cause,
  );
}

const SHOWN_CHARACTERS = 80;

function cut(value: string): string {
  return value.length > SHOWN_CHARACTERS ? `${value.slice(0, SHOWN_CHARACTERS)}…` : value;
}
