import { quoteIdentifier, quoteText } from '../../types/identifier.ts';
import { generationName } from '../generation-name.ts';
import type { CatalogColumn, CatalogIndex, Grant, RelationCatalog } from './relation-catalog.ts';

/** Begins the comment of tables that Brimful made: each generation keeps its own. */
export const OWN_COMMENT = 'Kept by Brimful: ';

/**
 * SQL that brings the generation beside in line with the live one, as far as that can be done before it has the name.
 * Pure, and nothing once it has been done; what only the generation beside has, it keeps, but for what would get in a
 * reader's way: rights, defaults and identities that the live one no longer has.
 */
export function carryStatements(live: RelationCatalog, next: RelationCatalog, generation: number): string[] {
  return [
    ...ownership(live, next),
    ...generatedColumns(live, next),
    ...live.columns.flatMap((column) => {
      const other = columnOf(next, column.name);
      return other === undefined ? [] : columnStatements(next.relation, column, other);
    }),
    ...missingChecks(live, next),
    ...missingIndexes(live, next, generation),
    ...options(live, next),
    ...comment(live, next),
    ...grants(live, next),
  ];
}

function columnOf(catalog: RelationCatalog, name: string): CatalogColumn | undefined {
  return catalog.columns.find((column) => column.name === name);
}

function ownership(live: RelationCatalog, next: RelationCatalog): string[] {
  return live.owner === next.owner ? [] : [`ALTER TABLE ${next.relation} OWNER TO ${live.owner}`];
}

/** Columns that somebody added and that are computed from others. */
function generatedColumns(live: RelationCatalog, next: RelationCatalog): string[] {
  return live.columns.flatMap((column) => {
    if (column.generated === '' || columnOf(next, column.name) !== undefined) return [];
    const kind = column.generated === 's' ? 'STORED' : 'VIRTUAL';
    const collation = column.collation === '' ? '' : ` COLLATE ${column.collation}`;
    const name = quoteIdentifier(column.name);
    const notNull = column.notNull ? ' NOT NULL' : '';
    const statements = [
      `ALTER TABLE ${next.relation} ADD COLUMN ${name} ${column.type}${collation} GENERATED ALWAYS AS (${column.expression}) ${kind}${notNull}`,
    ];
    if (column.comment !== null) statements.push(commentOn(next.relation, column.name, column.comment));
    return statements;
  });
}

function commentOn(relation: string, column: string, comment: string | null): string {
  const text = comment === null ? 'NULL' : quoteText(comment);
  return `COMMENT ON COLUMN ${relation}.${quoteIdentifier(column)} IS ${text}`;
}

function columnStatements(relation: string, column: CatalogColumn, other: CatalogColumn): string[] {
  const alter = `ALTER TABLE ${relation} ALTER COLUMN ${quoteIdentifier(column.name)}`;
  const statements: string[] = [];
  const isPlain = column.generated === '' && other.generated === '';
  if (isPlain && other.identity !== '' && column.identity !== other.identity)
    statements.push(`${alter} DROP IDENTITY`);
  if (isPlain && column.expression !== other.expression) {
    statements.push(
      column.expression === null ? `${alter} DROP DEFAULT` : `${alter} SET DEFAULT ${column.expression}`,
    );
  }
  if (isPlain && column.identity !== '' && column.identity !== other.identity) {
    const kind = column.identity === 'a' ? 'ALWAYS' : 'BY DEFAULT';
    if (!other.notNull) statements.push(`${alter} SET NOT NULL`);
    statements.push(`${alter} ADD GENERATED ${kind} AS IDENTITY (${column.sequence?.options ?? ''})`);
  }
  if (column.statistics !== other.statistics)
    statements.push(`${alter} SET STATISTICS ${column.statistics ?? -1}`);
  if (column.comment !== other.comment) statements.push(commentOn(relation, column.name, column.comment));
  return statements;
}

function missingChecks(live: RelationCatalog, next: RelationCatalog): string[] {
  return live.checks.flatMap(({ name, definition }) => {
    const other = next.checks.find((check) => check.name === name);
    if (other?.definition === definition) return [];
    const constraint = quoteIdentifier(name);
    const add = `ALTER TABLE ${next.relation} ADD CONSTRAINT ${constraint} ${definition}`;
    return other === undefined ? [add] : [`ALTER TABLE ${next.relation} DROP CONSTRAINT ${constraint}`, add];
  });
}

/** Indexes of both tables that are each other's, and those of the live one that the other lacks. */
export function matchIndexes(
  live: RelationCatalog,
  next: RelationCatalog,
): {
  readonly pairs: readonly (readonly [CatalogIndex, CatalogIndex])[];
  readonly missing: readonly CatalogIndex[];
} {
  const free = [...next.indexes];
  const pairs: [CatalogIndex, CatalogIndex][] = [];
  const missing: CatalogIndex[] = [];
  for (const index of live.indexes) {
    const at = free.findIndex((other) => isSameIndex(index, other));
    const [found] = at === -1 ? [] : free.splice(at, 1);
    if (found !== undefined) pairs.push([index, found]);
    // The key is Brimful's own business: where the next generation has none, its collection has none.
    else if (index.constraint?.kind !== 'p') missing.push(index);
  }
  return { pairs, missing };
}

function isSameIndex(a: CatalogIndex, b: CatalogIndex): boolean {
  // A table has one primary key, whatever its columns.
  if (a.constraint?.kind === 'p' || b.constraint?.kind === 'p')
    return a.constraint?.kind === b.constraint?.kind;
  return (
    a.unique === b.unique &&
    a.definition === b.definition &&
    a.constraint?.definition === b.constraint?.definition
  );
}

/** Built while nobody reads the table. Under names of their own: the live indexes still have theirs. */
function missingIndexes(live: RelationCatalog, next: RelationCatalog, generation: number): string[] {
  const { pairs, missing } = matchIndexes(live, next);
  const taken = new Set([...live.indexes, ...next.indexes].map(({ name }) => name));
  const created = missing.flatMap((index) => {
    const name = freeName(index.name, generation, taken);
    const quoted = quoteIdentifier(name);
    // Indexes of constraints, too, go where this says.
    const place = `SET LOCAL default_tablespace = ${quoteText(index.tablespace)}`;
    const create =
      index.constraint === null
        ? `CREATE ${index.unique ? 'UNIQUE ' : ''}INDEX ${quoted} ON ${next.relation} ${index.definition}`
        : `ALTER TABLE ${next.relation} ADD CONSTRAINT ${quoted} ${index.constraint.definition}`;
    const said =
      index.comment === null
        ? []
        : [`COMMENT ON INDEX ${next.schema}.${quoted} IS ${quoteText(index.comment)}`];
    return [place, create, ...said];
  });
  const comments = pairs.flatMap(([index, other]) =>
    index.comment === other.comment
      ? []
      : [
          `COMMENT ON INDEX ${next.schema}.${quoteIdentifier(other.name)} IS ${index.comment === null ? 'NULL' : quoteText(index.comment)}`,
        ],
  );
  return [...created, ...comments];
}

function freeName(name: string, generation: number, taken: Set<string>): string {
  for (let attempt = 1; ; attempt += 1) {
    const candidate = generationName(name, generation, attempt);
    if (taken.has(candidate)) continue;
    taken.add(candidate);
    return candidate;
  }
}

function options(live: RelationCatalog, next: RelationCatalog): string[] {
  const nameOf = (option: string): string => option.slice(0, option.indexOf('='));
  const wanted = live.options.filter((option) => !next.options.includes(option));
  const names = new Set(live.options.map(nameOf));
  const excess = next.options.map(nameOf).filter((name) => !names.has(name));
  const set = wanted.map(
    (option) => `${nameOf(option)} = ${quoteText(option.slice(option.indexOf('=') + 1))}`,
  );
  return [
    ...(set.length === 0 ? [] : [`ALTER TABLE ${next.relation} SET (${set.join(', ')})`]),
    ...(excess.length === 0 ? [] : [`ALTER TABLE ${next.relation} RESET (${excess.join(', ')})`]),
  ];
}

function comment(live: RelationCatalog, next: RelationCatalog): string[] {
  if (live.comment === next.comment || live.comment?.startsWith(OWN_COMMENT) === true) return [];
  const text = live.comment === null ? 'NULL' : quoteText(live.comment);
  return [`COMMENT ON TABLE ${next.relation} IS ${text}`];
}

/** What one has and the other has not is granted or revoked, right by right; what both have stays untouched. */
function grants(live: RelationCatalog, next: RelationCatalog): string[] {
  // A new owner takes over what the old one had.
  const present = next.grants.map((grant) =>
    grant.grantee === next.owner ? { ...grant, grantee: live.owner } : grant,
  );
  const has = (all: readonly Grant[], grant: Grant): boolean =>
    all.some(
      (other) =>
        other.grantee === grant.grantee &&
        other.privilege === grant.privilege &&
        other.column === grant.column &&
        other.grantable === grant.grantable,
    );
  const what = ({ privilege, column }: Grant): string =>
    `${privilege}${column === null ? '' : ` (${quoteIdentifier(column)})`} ON ${next.relation}`;
  const wanted = live.grants.filter(({ column }) => column === null || columnOf(next, column) !== undefined);
  const revoked = present.filter((grant) => !has(wanted, grant));
  const granted = wanted.filter((grant) => !has(present, grant));
  return [
    ...revoked.map((grant) => `REVOKE ${what(grant)} FROM ${grant.grantee}`),
    ...granted.map(
      (grant) => `GRANT ${what(grant)} TO ${grant.grantee}${grant.grantable ? ' WITH GRANT OPTION' : ''}`,
    ),
  ];
}
