import type { Schema } from '@brimful/model';
import { Problem } from '@brimful/model';
import type { Position } from '@brimful/connector';
import type { RelationInfo } from '../wire/pgoutput-relation.ts';
import { TableDecoder } from '../wire/pgoutput-table.ts';
import type { SessionPool } from '../wire/session-pool.ts';
import type { Catalog } from './catalog.ts';
import type { ChangeBuffer } from './change-buffer.ts';
import type { JoinedTable } from './joined-table.ts';
import type { JoinedTables } from './joined-tables.ts';
import type { RelationShape } from './relation-shape.ts';
import { shapeOf } from './relation-shape.ts';
import { rewrittenColumns } from './rewrite.ts';
import { sameShape } from './table-schema.ts';
import type { Table } from './table.ts';
import { untilVisible } from './until-visible.ts';

export interface RelationsOptions {
  readonly pool: SessionPool;
  readonly catalog: Catalog;
  readonly tables: JoinedTables;
  /** Called before a table is given up that has lost its key. */
  readonly keyLost: (table: JoinedTable) => Promise<void>;
}

/**
 * Follows the shapes that the stream announces. A shape that was read from the catalog at a later place than it was
 * announced at is settled at once; everything else waits for a look at the catalog, which knows what the stream does
 * not tell: column numbers, NOT NULL, what old rows hold in new columns, and whose partition it is.
 */
export class Relations {
  readonly #options: RelationsOptions;
  /** Oids of tables that are published, but not joined. */
  readonly #foreign = new Set<number>();

  constructor(options: RelationsOptions) {
    this.#options = options;
  }

  /** Settles the route without IO. False: `resolve` must be awaited before decoding goes on. */
  settle(buffer: ChangeBuffer, info: RelationInfo, reaching: Position): boolean {
    if (this.#foreign.has(info.id)) return true;
    const table = this.#options.tables.byOid(info.id);
    if (table === undefined || reaching > table.asOf) return false;
    if (table.ended) return true;
    const { types } = this.#options.catalog;
    if (info.columns.some((column) => !types.has(column.typeOid))) return false;
    const shape = this.#shape(info, table.table, table);
    if (shape === undefined || !sameShape(shape.schema, table.schema)) return false;
    this.#route(buffer, info, table, shape);
    return true;
  }

  async resolve(buffer: ChangeBuffer, info: RelationInfo): Promise<void> {
    const { pool, catalog, tables } = this.#options;
    if (buffer.transaction !== undefined) await untilVisible(pool, buffer.transaction);
    const [found, root] = await pool.use(async (session) => {
      const [own] = await catalog.tablesByOid(session, [info.id]);
      await catalog.types.load(
        session,
        info.columns.map((column) => column.typeOid),
      );
      if (own === undefined || own.root === own.oid) return [own, own];
      const [top] = await catalog.tablesByOid(session, [own.root]);
      return [own, top];
    });
    const table = tables.byOid(root?.oid ?? info.id);
    if (table === undefined) {
      this.#foreign.add(info.id);
      return;
    }
    if (table.ended) return;
    if (root !== undefined) table.table = root;
    // A relation that is gone already is as it was when last seen.
    const owner = found === undefined || found.oid === table.oid ? table.table : found;
    await this.#follow(buffer, info, owner, table);
  }

  /** A table joined: what was looked up before says nothing any more. */
  joined(): void {
    this.#foreign.clear();
  }

  async #follow(buffer: ChangeBuffer, info: RelationInfo, owner: Table, table: JoinedTable): Promise<void> {
    const shape = this.#shape(info, owner, table);
    if (shape === undefined) {
      buffer.fail(table, strangeRelation(info, table).toJSON());
      return;
    }
    const before = table.schema;
    if (before.key.length > 0 && shape.schema.key.length === 0) {
      await this.#options.keyLost(table);
      buffer.fail(table, keyProblem(table.resource).toJSON());
      return;
    }
    if (!sameShape(before, shape.schema)) {
      buffer.reshape(table, shape.schema);
      const rewritten = this.#rewritten(table, before, shape.schema, buffer.reaching);
      if (rewritten.length > 0) buffer.stale(table, rewrittenProblem(table, rewritten).toJSON());
    }
    this.#route(buffer, info, table, shape);
  }

  /** What an ALTER computed anew and no read of the table shows. */
  #rewritten(table: JoinedTable, before: Schema, after: Schema, reaching: Position): readonly string[] {
    const { reread } = table;
    if (reread !== undefined && reaching <= reread.at) return [];
    table.reread = undefined;
    return rewrittenColumns(reread?.schema ?? before, after, computedColumns(table.table));
  }

  #route(buffer: ChangeBuffer, info: RelationInfo, table: JoinedTable, shape: RelationShape): void {
    const decoder = new TableDecoder(info, table.schema, shape.mapping, table.builder());
    buffer.setRoute(info.id, { table, decoder });
  }

  #shape(relation: RelationInfo, owner: Table, table: JoinedTable): RelationShape | undefined {
    const { types } = this.#options.catalog;
    return shapeOf({
      relation,
      owner,
      root: table.table,
      publication: table.publication,
      known: table.schema,
      loosened: table.loosened,
      typeOf: (oid, modifier) => types.get(oid, modifier),
    });
  }
}

function computedColumns(table: Table): ReadonlySet<string> {
  const computed = table.attributes.filter((attribute) => attribute.hasDefault || attribute.generated !== '');
  return new Set(computed.map((attribute) => attribute.name));
}

const RESET = (table: JoinedTable): string => `Reset its collection to read ${table.resource} again.`;

export function keyProblem(resource: string): Problem {
  return new Problem(
    'BRM-PG-KEY-LOST',
    `${resource} lost the key that its log named rows by: its updates and deletes can no longer be followed.`,
    {
      remedy: `Give the table its primary key (or REPLICA IDENTITY) back. Reset its collection to read ${resource} again.`,
      at: { table: resource },
    },
  );
}

function rewrittenProblem(table: JoinedTable, columns: readonly string[]): Problem {
  return new Problem(
    'BRM-PG-REWRITTEN',
    `ALTER TABLE computed new values for ${columns.join(', ')} of ${table.resource}; rows that have not changed since still hold the old ones in the collection.`,
    { remedy: RESET(table), at: { table: table.resource, columns: columns.join(', ') } },
  );
}

function strangeRelation(info: RelationInfo, table: JoinedTable): Problem {
  return new Problem(
    'BRM-PG-RELATION',
    `The log describes ${info.schema}.${info.name} with ${info.columns.length} columns, more than the catalog ever had.`,
    { remedy: RESET(table), at: { table: table.resource } },
  );
}
