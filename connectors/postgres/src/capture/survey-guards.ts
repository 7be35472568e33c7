import type { Guard, Scope } from '@brimful/model';
import { quoteIdentifier, quoteText } from '../types/identifier.ts';
import { storedType } from '../types/postgres-type.ts';
import type { RawSession } from '../wire/raw-session.ts';
import { ServerError } from '../wire/server-error.ts';
import type { Bound, BoundColumn } from './scope-bound.ts';
import { literalSql } from './scope-bound.ts';
import type { ScopeAccess } from './scope-access.ts';
import { scopeProblem } from './scope-problem.ts';
import type { TableStatistics } from './table-statistics.ts';
import type { Attribute, Table } from './table.ts';

/** Whether an index leads to the rows in a bound. */
export function servedGuard(table: Table, bound: Bound, access: ScopeAccess, isServed: boolean): Guard {
  const { name } = bound.columns[0] as BoundColumn;
  const pages = access.leaves.reduce((sum, leaf) => sum + leaf.pages, 0);
  const guard = { id: 'scope-unserved', subject: table.resource, evidence: access.explained };
  if (isServed) {
    const message = access.isIndexed
      ? `An index leads to the range of ${name}.`
      : `The range of ${name} is most of the partitions that it touches.`;
    return { ...guard, level: 'ok', message, remedy: null };
  }
  return {
    ...guard,
    level: 'confirm',
    message: `No index leads with ${name}: the source reads ${pages} pages once, page by page, to find the rows in range.`,
    remedy: `CREATE INDEX CONCURRENTLY ON ${table.resource} (${quoteIdentifier(name)}); or accept the reading.`,
  };
}

/** By the source's clock. Throws `BRM-SCOPE-ZONE`. */
export async function futureGuard(
  session: RawSession,
  table: Table,
  bound: Bound,
  scope: Extract<Scope, { kind: 'time' }>,
): Promise<Guard> {
  const column = bound.columns[0] as BoundColumn;
  const now = nowSql(column, scope.zone);
  const isAfter = (end: readonly string[] | null): string =>
    end === null ? 'false' : `${literalSql(column, end[0] as string)} > ${now}`;
  const [row] = await inZone(table, scope.zone, () =>
    session.query(`SELECT ${isAfter(bound.from)}, ${isAfter(bound.to)}, pg_catalog.format('%s', ${now})`),
  );
  const evidence = `from ${scope.from ?? 'the beginning'} to ${scope.to ?? 'the end'}; the source's clock says ${row?.[2] ?? '?'}`;
  const guard = { id: 'scope-future', subject: table.resource, evidence };
  if (row?.[0] === 't') {
    const message = `All of the range of ${column.name} is in the future.`;
    return { ...guard, level: 'block', message, remedy: 'Choose a range that has begun.' };
  }
  if (row?.[1] === 't') {
    const message = `The range of ${column.name} is not over: rows that come into it later are the stream's.`;
    return { ...guard, level: 'warn', message, remedy: 'End the range in the past, or leave its end open.' };
  }
  return { ...guard, level: 'ok', message: `The range of ${column.name} is in the past.`, remedy: null };
}

const DATE_OID = 1082;
const TIMESTAMPTZ_OID = 1184;

function nowSql(column: BoundColumn, zone: string): string {
  const { oid } = storedType(column.type);
  // In its zone either way, so that a zone that is none is found.
  const local = `(now() AT TIME ZONE ${quoteText(zone)})`;
  if (oid === TIMESTAMPTZ_OID) return `(${local} AT TIME ZONE ${quoteText(zone)})`;
  return oid === DATE_OID ? `${local}::date` : local;
}

async function inZone<T>(table: Table, zone: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof ServerError) || error.code !== '22023') throw error;
    throw scopeProblem(
      'BRM-SCOPE-ZONE',
      `The source knows no time zone ${zone}.`,
      'Name a zone as IANA does, e.g. Europe/Berlin.',
      { table: table.resource },
      error,
    );
  }
}

/** `known`: it was looked up, not estimated. */
export function emptyGuard(table: Table, known: boolean, evidence: string): Guard {
  return {
    id: 'scope-empty',
    level: 'warn',
    subject: table.resource,
    message: known ? 'No row is in scope.' : 'By the statistics, hardly a row is in scope.',
    evidence,
    remedy: 'Check both ends of the range, its zone and its column.',
  };
}

const OLD_MILLISECONDS = 7 * 86_400_000;
const CHANGED_PART = 0.2;

/** What the estimates rest on. */
export function statisticsGuard(table: Table, statistics: TableStatistics, now: number): Guard {
  const { uncounted, analyzedAt, changedPart } = statistics;
  const remedy = `ANALYZE ${table.resource};`;
  const subject = table.resource;
  if (uncounted.length > 0) {
    const named = uncounted.slice(0, 5).map((leaf) => leaf.name);
    return {
      id: 'statistics-missing',
      level: 'warn',
      subject,
      message: 'The source has no statistics here: the estimates are from a few pages.',
      evidence: `never analysed: ${named.join(', ')}${uncounted.length > 5 ? ', …' : ''}`,
      remedy,
    };
  }
  const age = analyzedAt === null ? null : Math.max(0, now - analyzedAt);
  const isOld = changedPart > CHANGED_PART || (age !== null && age > OLD_MILLISECONDS);
  const since = analyzedAt === null ? 'at an unknown time' : `on ${new Date(analyzedAt).toISOString()}`;
  return {
    id: 'statistics-old',
    level: isOld ? 'warn' : 'ok',
    subject,
    message: isOld
      ? 'The source’s statistics are old: the estimates may be off.'
      : 'The source’s statistics are recent.',
    evidence: `analysed ${since}; ${(changedPart * 100).toFixed(1)} % of the rows changed since`,
    remedy: isOld ? remedy : null,
  };
}

export function hiddenGuard(table: Table, role: string): Guard {
  const guard = { id: 'rows-hidden', subject: table.resource };
  if (!table.rowsHidden) {
    const message = 'No row-level security hides rows from us.';
    return { ...guard, level: 'ok', message, evidence: 'row_security_active is false', remedy: null };
  }
  return {
    ...guard,
    level: 'block',
    message: `Row-level security hides rows from ${role}: what is read would lack them, and they would be removed.`,
    evidence: 'row_security_active is true',
    remedy: `ALTER ROLE ${quoteIdentifier(role)} BYPASSRLS;`,
  };
}

const FLOAT_OIDS: ReadonlySet<number> = new Set([700, 701]);

/** What about the key would make rows hard to tell apart. */
export function keyGuards(table: Table): Guard[] {
  const columns = table.identity.key.flatMap(
    (name) => table.attributes.find((attribute) => !attribute.dropped && attribute.name === name) ?? [],
  );
  const named = (attributes: readonly Attribute[]): string =>
    attributes.map((attribute) => attribute.name).join(', ');
  const nullable = columns.filter((column) => !column.notNull);
  const float = columns.filter(
    (column) => column.type !== undefined && FLOAT_OIDS.has(storedType(column.type).oid),
  );
  const subject = table.resource;
  return [
    ...(nullable.length === 0
      ? []
      : [
          {
            id: 'null-key',
            level: 'warn' as const,
            subject,
            message: `Columns of its key may be null (${named(nullable)}): rows with nulls in them cannot be told apart.`,
            evidence: `the key is (${table.identity.key.join(', ')})`,
            remedy: `ALTER TABLE ${table.resource} ALTER COLUMN ${quoteIdentifier(nullable[0]?.name ?? '')} SET NOT NULL;`,
          },
        ]),
    ...(float.length === 0
      ? []
      : [
          {
            id: 'float-key',
            level: 'warn' as const,
            subject,
            message: `Its key has floating-point columns (${named(float)}): destinations may round them into each other.`,
            evidence: `the key is (${table.identity.key.join(', ')})`,
            remedy: 'Use an exact type for the key.',
          },
        ]),
  ];
}
