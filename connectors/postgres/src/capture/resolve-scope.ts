import type { Schema, Scope } from '@brimful/model';
import { SCOPE_KEYS_LIMIT } from '@brimful/model';
import { typeName } from '../types/postgres-type.ts';
import type { PostgresType } from '../types/postgres-type.ts';
import { quoteIdentifier, quoteText } from '../types/identifier.ts';
import type { RawSession } from '../wire/raw-session.ts';
import { ServerError } from '../wire/server-error.ts';
import type { Bound, BoundColumn, BoundEnd } from './scope-bound.ts';
import { literalSql, literalType } from './scope-bound.ts';
import { scopeProblem } from './scope-problem.ts';
import { checkValue, isTime, valueProblem } from './scope-value.ts';
import type { Table } from './table.ts';

/** A scope with its columns found, and its values parsed by the server and printed again. */
export type ResolvedScope =
  | { readonly kind: 'all' }
  | { readonly kind: 'bound'; readonly bound: Bound; readonly isEmpty: boolean }
  /** Keys are distinct and sorted. */
  | {
      readonly kind: 'keys';
      readonly columns: readonly BoundColumn[];
      readonly keys: readonly (readonly string[])[];
    };

/** Throws `BRM-SCOPE-COLUMN`, `-VALUE`, `-KEYS` or `-NO-KEY`. `schema`: of the collection. Reads no table. */
export async function resolveScope(
  session: RawSession,
  table: Table,
  schema: Schema,
  scope: Scope,
): Promise<ResolvedScope> {
  if (scope.kind === 'all') return scope;
  const { resource } = table;
  const keys = keyColumns(table, schema);
  if (keys.length === 0) {
    throw scopeProblem(
      'BRM-SCOPE-NO-KEY',
      `${resource} has no key: its rows cannot be told apart, so it can be read again only as a whole.`,
      'Ask for the whole table, or give it a primary key.',
      { table: resource },
    );
  }
  if (scope.kind === 'keys') {
    return { kind: 'keys', columns: keys, keys: await parseKeys(session, table, keys, scope.keys) };
  }
  const columns = scope.kind === 'time' ? [timeColumn(table, schema, scope.column)] : keys;
  const ends =
    scope.kind === 'time'
      ? { from: single(scope.from), to: single(scope.to) }
      : { from: scope.from, to: scope.to };
  const bound: Bound = {
    columns,
    from: await parseEnd(session, table, columns, ends.from),
    to: await parseEnd(session, table, columns, ends.to),
  };
  return { kind: 'bound', bound, isEmpty: await isEmpty(session, resource, bound) };
}

function single(value: string | null): BoundEnd {
  return value === null ? null : [value];
}

export function keyColumns(table: Table, schema: Schema): BoundColumn[] {
  return schema.key.map((name) => boundColumn(table, schema, name));
}

function timeColumn(table: Table, schema: Schema, name: string): BoundColumn {
  const column = boundColumn(table, schema, name);
  if (isTime(column)) return column;
  const times = schema.columns
    .filter((definition) => definition.type.kind === 'timestamp' || definition.type.kind === 'date')
    .map((definition) => definition.name);
  throw scopeProblem(
    'BRM-SCOPE-COLUMN',
    `${quoteIdentifier(name)} of ${table.resource} is ${typeName(column.type)}, not a date or timestamp.`,
    times.length === 0
      ? 'The table has no date or timestamp: bound it by its key.'
      : `Bound it by one of: ${times.join(', ')}; or by its key.`,
    { table: table.resource, column: name },
  );
}

function boundColumn(table: Table, schema: Schema, name: string): BoundColumn {
  const number = schema.columns.find((definition) => definition.name === name)?.sourceId;
  const attribute = table.attributes.find((candidate) => candidate.number === number && !candidate.dropped);
  if (number === undefined || attribute === undefined) {
    throw scopeProblem(
      'BRM-SCOPE-COLUMN',
      `${table.resource} has no column ${quoteIdentifier(name)}.`,
      `Its columns are: ${schema.columns.map((definition) => definition.name).join(', ')}.`,
      { table: table.resource, column: name },
    );
  }
  return { number, name: attribute.name, type: attribute.type as PostgresType };
}

async function parseEnd(
  session: RawSession,
  table: Table,
  columns: readonly BoundColumn[],
  end: BoundEnd,
): Promise<BoundEnd> {
  if (end === null || end.length === 0) return null;
  if (end.length > columns.length) throw countProblem(table.resource, columns, end.length);
  const parsed: string[] = [];
  for (const [index, value] of end.entries()) {
    const column = columns[index] as BoundColumn;
    checkValue(table.resource, column, value);
    const [row] = await parsing(table.resource, column, value, () =>
      session.query(`SELECT pg_catalog.format('%s', ${literalSql(column, value)})`),
    );
    parsed.push(row?.[0] as string);
  }
  return parsed;
}

/** All at once, so that each costs no round trip. */
async function parseKeys(
  session: RawSession,
  { resource }: Table,
  columns: readonly BoundColumn[],
  keys: readonly (readonly string[])[],
): Promise<readonly (readonly string[])[]> {
  if (keys.length > SCOPE_KEYS_LIMIT) {
    throw scopeProblem(
      'BRM-SCOPE-KEYS',
      `${keys.length} single keys are more than ${SCOPE_KEYS_LIMIT}.`,
      'Ask for a range of the key, for a time range, or for the whole table.',
      { table: resource },
    );
  }
  if (keys.length === 0) return [];
  for (const key of keys) {
    if (key.length !== columns.length) throw countProblem(resource, columns, key.length);
    for (const [index, value] of key.entries()) checkValue(resource, columns[index] as BoundColumn, value);
  }
  const aliases = columns.map((_, index) => `k${index}`);
  const lists = columns.map((_, index) => `${textArray(keys.map((key) => key[index] as string))}::text[]`);
  const typed = columns.map((column, index) => `k${index}::${literalType(column.type)} AS t${index}`);
  const printed = columns.map((_, index) => `pg_catalog.format('%s', t${index})`);
  const order = columns.map((_, index) => index + 1).join(', ');
  return (await parsing(resource, columns[0] as BoundColumn, '…', () =>
    session.query(`SELECT ${printed.join(', ')} FROM (SELECT DISTINCT ${typed.join(', ')}
      FROM unnest(${lists.join(', ')}) AS u(${aliases.join(', ')}) ORDER BY ${order}) AS k`),
  )) as string[][];
}

function textArray(values: readonly string[]): string {
  return quoteText(`{${values.map((value) => `"${value.replaceAll(/["\\]/g, '\\$&')}"`).join(',')}}`);
}

/** SQLSTATE classes of data that is wrong: does not parse, is out of range, names no value of an enum. */
const DATA_WRONG = /^22/;

async function parsing<T>(
  resource: string,
  column: BoundColumn,
  value: string,
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof ServerError) || !DATA_WRONG.test(error.code)) throw error;
    const wanted = `a value of that type; the server says: ${error.message}`;
    throw valueProblem(resource, column, value, wanted, error);
  }
}

function countProblem(resource: string, columns: readonly BoundColumn[], count: number): Error {
  const names = columns.map((column) => column.name).join(', ');
  return scopeProblem(
    'BRM-SCOPE-VALUE',
    `${count} values do not fit the key of ${resource}, which is (${names}).`,
    `Give one value for each of its columns, in this order: ${names}. A range may leave out the last.`,
    { table: resource },
  );
}

/** Throws when the bound ends before it begins. The server compares, since it knows the order. */
async function isEmpty(session: RawSession, resource: string, bound: Bound): Promise<boolean> {
  const { columns, from, to } = bound;
  if (from === null || to === null) return false;
  const length = Math.min(from.length, to.length);
  const row = (end: readonly string[]): string =>
    `ROW(${end
      .slice(0, length)
      .map((value, index) => literalSql(columns[index] as BoundColumn, value))
      .join(', ')})`;
  const [answer] = await session.query(`SELECT ${row(from)} > ${row(to)}, ${row(from)} = ${row(to)}`);
  if (answer?.[0] === 't') {
    throw scopeProblem(
      'BRM-SCOPE-VALUE',
      `The range of ${resource} ends at ${to.join(', ')}, before it begins at ${from.join(', ')}.`,
      'Exchange the two ends. The end itself is not in the range.',
      { table: resource },
    );
  }
  return answer?.[1] === 't' && from.length >= to.length;
}
