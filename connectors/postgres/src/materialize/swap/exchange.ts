import { quoteIdentifier, quoteText } from '../../types/identifier.ts';
import type { OpenTable } from '../open-table.ts';
import type { Statement } from '../pipeline.ts';
import { matchIndexes } from './carry.ts';
import { digestSql, qualified } from './relation-catalog.ts';
import type { CatalogView, RelationCatalog } from './relation-catalog.ts';

/** Two generations as the catalog has them, and what the live one will be called. */
export interface Exchange {
  readonly live: OpenTable;
  readonly next: OpenTable;
  readonly liveCatalog: RelationCatalog;
  readonly nextCatalog: RelationCatalog;
  readonly besideName: string;
}

/** The whole of one try keeps others waiting no longer than this, whatever it waits for itself. */
export const SWAP_TRY_MS = 50;
/** Less, so that it shows whether somebody else or our own work has taken the time. */
const LOCK_MS = 40;
/** What the server says when the tables are not as they were looked at. */
export const CHANGED = 'BRM01';

/**
 * Nobody waits for the tables beside, so they are locked first and with patience: autovacuum, which comes after every load,
 * gives way only to who has waited for it for `deadlock_timeout`, a second.
 */
const BESIDE_LOCK_MS = 5_000;

/** One transaction, in two parts: nobody else waits during the first. */
export interface ExchangeStatements {
  readonly beside: readonly Statement[];
  /** Which of them fails with a division by zero when another writer has taken over. (Invariant 3) */
  readonly fence: number;
  readonly exchange: readonly Statement[];
}

/**
 * The transaction that exchanges the names of all pairs. From the first lock that readers notice to the last word it is
 * one statement under one clock, whether it waits for a lock or the machine is slow.
 */
export function exchangeStatements(
  exchanges: readonly Exchange[],
  digest: string,
  tryMilliseconds: number,
): ExchangeStatements {
  const views = viewsOf(exchanges);
  const fence = fenceSql(exchanges.flatMap(({ live, next }) => [live, next]));
  const beside = [
    'BEGIN',
    `SET LOCAL lock_timeout = ${BESIDE_LOCK_MS}`,
    fence,
    `LOCK TABLE ${exchanges.map(({ next }) => next.relation).join(', ')} IN ACCESS EXCLUSIVE MODE`,
  ];
  const work = [
    ...exchanges.flatMap((one) => [...sequences(one), ...indexes(one), ...tables(one)]),
    ...views.map(viewSql),
    ...exchanges.flatMap(notes),
  ];
  const block = [
    ...locks(exchanges, views).map(execute),
    `IF ${digestSql(oidsOf(exchanges))} <> ${quoteText(digest)} THEN RAISE EXCEPTION 'changed' USING ERRCODE = '${CHANGED}'; END IF;`,
    ...work.map(execute),
  ];
  const exchange = [
    `SET LOCAL lock_timeout = ${LOCK_MS}`,
    `SET LOCAL statement_timeout = ${Math.round(tryMilliseconds)}`,
    `DO ${quoteText(`BEGIN ${block.join('\n')} END`)}`,
    // A commit that waits for a standby must not be cut short.
    'SET LOCAL statement_timeout = 0',
    'COMMIT',
  ];
  const statements = (texts: readonly string[]): Statement[] => texts.map((text) => ({ text }));
  return { beside: statements(beside), fence: 2, exchange: statements(exchange) };
}

/** As text of its own: PL/pgSQL must not look for its own words in a user's view. */
function execute(text: string): string {
  return `EXECUTE ${quoteText(text)};`;
}

export function oidsOf(exchanges: readonly Exchange[]): number[] {
  return exchanges.flatMap(({ liveCatalog, nextCatalog }) => [liveCatalog.oid, nextCatalog.oid]);
}

/** Locks the notes of all tables and checks that this writer still holds them. (Invariant 3) */
export function fenceSql(tables: readonly OpenTable[]): string {
  const rows = tables.map(({ id, epoch }) => `(${id}, ${epoch})`).join(', ');
  return (
    `WITH held AS MATERIALIZED (SELECT FROM brimful.tables WHERE (id, epoch) IN (${rows}) ORDER BY id FOR UPDATE)` +
    ` SELECT 1 / (count(*) / ${tables.length}) FROM held`
  );
}

/** Each once, though it may read several of the tables. */
export function viewsOf(exchanges: readonly Exchange[]): CatalogView[] {
  const views = new Map(
    exchanges.flatMap(({ liveCatalog }) => liveCatalog.views.map((view) => [view.oid, view] as const)),
  );
  return [...views.values()];
}

/**
 * Views come first: a reader of a view locks the view and then its table, and would wait for us in one while we wait for
 * it in the other. `LOCK TABLE` on a view would lock every table it reads; giving it the owner it has locks nothing else.
 */
function locks(exchanges: readonly Exchange[], views: readonly CatalogView[]): string[] {
  const tables = exchanges.map(({ live }) => live.relation).join(', ');
  const owners = views.map(({ view, owner }) => `ALTER VIEW ${view} OWNER TO ${owner}`);
  return [...owners, `LOCK TABLE ${tables} IN ACCESS EXCLUSIVE MODE`];
}

function tables({ live, next, besideName }: Exchange): string[] {
  return [
    `ALTER TABLE ${live.relation} RENAME TO ${quoteIdentifier(besideName)}`,
    `ALTER TABLE ${next.relation} RENAME TO ${quoteIdentifier(live.relationName)}`,
  ];
}

/** Indexes of both that are the same exchange their names, those of constraints with their constraints. */
function indexes({ live, liveCatalog, nextCatalog }: Exchange): string[] {
  return matchIndexes(liveCatalog, nextCatalog).pairs.flatMap(([one, other], place) =>
    exchangeNames('INDEX', live.schemaName, [one.name, other.name], `${liveCatalog.oid} ${place}`),
  );
}

function exchangeNames(
  kind: string,
  schemaName: string,
  [one, other]: readonly [string, string],
  detour: string,
): string[] {
  const via = `brimful ${detour}`;
  const rename = (from: string, to: string): string =>
    `ALTER ${kind} ${qualified(schemaName, from)} RENAME TO ${quoteIdentifier(to)}`;
  return [rename(one, via), rename(other, one), rename(via, other)];
}

/** Identities go on counting where they stand; sequences that belong to a column go with its name. */
function sequences({ live, next, liveCatalog, nextCatalog }: Exchange): string[] {
  const identities = liveCatalog.columns.flatMap((column, place) => {
    const other = nextCatalog.columns.find(({ name }) => name === column.name);
    const [from, to] = [column.sequence, other?.sequence];
    if (from === null || to === null || to === undefined) return [];
    return [
      `SELECT pg_catalog.setval(${quoteText(to.sequence)}::regclass, last_value, is_called) FROM ${from.sequence}`,
      ...exchangeNames('SEQUENCE', live.schemaName, [from.name, to.name], `${liveCatalog.oid} s${place}`),
    ];
  });
  const owned = liveCatalog.sequences.flatMap(({ sequence, column }) =>
    nextCatalog.columns.some(({ name }) => name === column)
      ? [`ALTER SEQUENCE ${sequence} OWNED BY ${next.relation}.${quoteIdentifier(column)}`]
      : [],
  );
  return [...identities, ...owned];
}

/** By the text it was printed as while the live table had the name; rights, comments and owner stay. */
function viewSql({ view, definition, options }: CatalogView): string {
  const set = options.map((option) => {
    const at = option.indexOf('=');
    return `${option.slice(0, at)} = ${quoteText(option.slice(at + 1))}`;
  });
  const having = set.length === 0 ? '' : ` WITH (${set.join(', ')})`;
  return `CREATE OR REPLACE VIEW ${view}${having} AS ${definition}`;
}

/** In this order: no two rows may have one name at any time. */
function notes({ live, next, besideName }: Exchange): string[] {
  const note = (table: OpenTable, name: string): string =>
    `UPDATE brimful.tables SET relation_name = ${quoteText(name)}, written_at = now() WHERE id = ${table.id}`;
  return [note(live, besideName), note(next, live.relationName)];
}
