import { quoteIdentifier, quoteText } from '../types/identifier.ts';
import type { RawSession } from '../wire/raw-session.ts';
import { ServerError } from '../wire/server-error.ts';
import { Problem } from '@brimful/model';
import type { SourceNames } from './names.ts';
import { START_ANEW } from './start-anew.ts';

export type PublicationKind = 'changes' | 'inserts';

/** From this version on, stored generated columns can be published. */
export const GENERATED_PUBLISHED_SINCE = 180_000;

export interface PublishedTable extends QualifiedName {
  readonly oid: number;
  readonly kind: PublicationKind;
}

export interface QualifiedName {
  readonly schema: string;
  readonly name: string;
}

export interface PublicationChange {
  readonly kind: PublicationKind;
  readonly add?: readonly QualifiedName[];
  readonly drop?: readonly QualifiedName[];
}

/**
 * The capture's two publications: one with every change of tables that have an identity, one with inserts and truncates
 * of those that have none. Never FOR ALL TABLES, which would make the application's own UPDATEs of keyless tables fail.
 */
export class Publications {
  readonly names: SourceNames;
  #generatedToo: boolean;

  /** `version`: `server_version_num`. */
  constructor(names: SourceNames, version: number) {
    this.names = names;
    this.#generatedToo = version >= GENERATED_PUBLISHED_SINCE;
  }

  /** Stored generated columns are published. */
  get generatedToo(): boolean {
    return this.#generatedToo;
  }

  /** Creates what is missing; says whether any was. */
  async ensure(session: RawSession): Promise<boolean> {
    const existing = await session.query(
      // Read as JSON, since older servers lack the column.
      `SELECT pubname, to_jsonb(p) ->> 'pubgencols' FROM pg_publication p WHERE pubname IN (${quoteText(this.names.changes)}, ${quoteText(this.names.inserts)})`,
    );
    const present = new Set(existing.map(([name]) => name));
    // Made before the server was upgraded, a publication goes on without them.
    if (existing.some(([, generated]) => generated !== 's')) this.#generatedToo = false;
    const generated = this.#generatedToo ? ', publish_generated_columns = stored' : '';
    const create = (name: string, publish: string): string =>
      present.has(name)
        ? ''
        : `CREATE PUBLICATION ${quoteIdentifier(name)} WITH (publish = '${publish}', publish_via_partition_root = false${generated});`;
    const sql =
      create(this.names.changes, 'insert, update, delete, truncate') +
      create(this.names.inserts, 'insert, truncate');
    if (sql !== '') await session.query(sql);
    return sql !== '';
  }

  async tables(session: RawSession): Promise<PublishedTable[]> {
    const rows = await session.query(
      `SELECT r.prrelid, p.pubname = ${quoteText(this.names.changes)}, n.nspname, c.relname
       FROM pg_publication_rel r JOIN pg_publication p ON p.oid = r.prpubid
       JOIN pg_class c ON c.oid = r.prrelid JOIN pg_namespace n ON n.oid = c.relnamespace
       WHERE p.pubname IN (${quoteText(this.names.changes)}, ${quoteText(this.names.inserts)})`,
    );
    return rows.map(([oid, changes, schema, name]) => ({
      oid: Number(oid),
      kind: changes === 't' ? 'changes' : 'inserts',
      schema: schema as string,
      name: name as string,
    }));
  }

  /** All of it in one transaction: a table that moves between the publications is never out of both. */
  async change(session: RawSession, changes: readonly PublicationChange[]): Promise<void> {
    const statements = changes.flatMap(({ kind, add = [], drop = [] }) => {
      const publication = `ALTER PUBLICATION ${quoteIdentifier(this.names[kind])}`;
      return [
        // ONLY: children by inheritance are tables of their own. Partitions follow their root by themselves.
        ...(add.length === 0 ? [] : [`${publication} ADD TABLE ${list(add, 'ONLY ')}`]),
        ...(drop.length === 0 ? [] : [`${publication} DROP TABLE ${list(drop, 'ONLY ')}`]),
      ];
    });
    if (statements.length === 0) return;
    try {
      await session.query(`BEGIN; ${statements.join('; ')}; COMMIT`);
    } catch (error) {
      if (!session.closed) await session.query('ROLLBACK');
      throw error;
    }
  }

  async drop(session: RawSession): Promise<void> {
    const { changes, inserts } = this.names;
    await session.query(
      `DROP PUBLICATION IF EXISTS ${quoteIdentifier(changes)}, ${quoteIdentifier(inserts)}`,
    );
  }
}

/** The stream's own words for a publication that is gone. */
export function publicationLost(error: unknown, names: SourceNames): Problem | undefined {
  if (!(error instanceof ServerError) || !/publication .* does not exist/.test(error.message))
    return undefined;
  return lostPublications(names);
}

export function lostPublications(names: SourceNames): Problem {
  return new Problem(
    'BRM-PG-PUBLICATION-LOST',
    `Publication ${names.changes} or ${names.inserts} was dropped: changes made meanwhile are not in the stream.`,
    { remedy: START_ANEW },
  );
}

function list(tables: readonly QualifiedName[], prefix: string): string {
  return tables
    .map((table) => `${prefix}${quoteIdentifier(table.schema)}.${quoteIdentifier(table.name)}`)
    .join(', ');
}
