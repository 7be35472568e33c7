import { Problem } from '@brimful/model';
import type { TableRequest } from '@brimful/connector';

import { quoteIdentifier, quoteText } from '../types/identifier.ts';
import { adoptTable } from './adopt-table.ts';
import { ownerOf, writeNote } from './bookkeeping.ts';
import type { Note } from './bookkeeping.ts';
import type { Lane } from './lane.ts';
import { DELETED_AT } from './merge-target.ts';
import { shapeOf, sqlType } from './table-shape.ts';
import type { TableShape } from './table-shape.ts';

/** Makes the table a request asks for, and notes it. Runs in one transaction, which the caller begins and ends. */
export async function prepareTable(lane: Lane, request: TableRequest, schemaName: string): Promise<Note> {
  const shape = shapeOf(request.schema, request.id.table);
  await ensureSchema(lane, schemaName);
  const relationName = await chooseName(lane, request, schemaName);
  const relation = `${quoteIdentifier(schemaName)}.${quoteIdentifier(relationName)}`;
  const existing = await lane.query(
    'SELECT c.relkind FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = $1 AND c.relname = $2',
    [schemaName, relationName],
  );
  const kind = existing.rows[0]?.['relkind'] as string | undefined;
  if (kind !== undefined) {
    // Invariant 7: what somebody else keeps there is not written over.
    if (!request.adopt) throw foreignTable(request, relation);
    const adopted = await adoptTable(lane, request, {
      schemaName,
      relationName,
      relation,
      kind,
      shape,
    });
    return writeNote(lane, request, {
      schemaName,
      relationName,
      adopted: true,
      facts: { ...adopted, schemaVersion: request.schema.version },
    });
  }
  await lane.query(creation(request, relation, shape));
  return writeNote(lane, request, {
    schemaName,
    relationName,
    adopted: false,
    facts: { state: 'loading', shape, schemaVersion: request.schema.version },
  });
}

/** Asks first: creating needs a right on the database even where there is nothing to create. */
async function ensureSchema(lane: Lane, schemaName: string): Promise<void> {
  const found = await lane.query('SELECT FROM pg_namespace WHERE nspname = $1', [schemaName]);
  if (found.rows.length === 0) await lane.query(`CREATE SCHEMA IF NOT EXISTS ${quoteIdentifier(schemaName)}`);
}

/** Bare: the key comes after the load, NOT NULL when the table is complete. */
function creation(request: TableRequest, relation: string, shape: TableShape): string {
  const columns = shape.columns.map((column) => `${quoteIdentifier(column.name)} ${sqlType(column)}`);
  if (request.deletes === 'soft') columns.push(`${DELETED_AT} timestamp with time zone`);
  const comment =
    `Kept by Brimful: materialization ${request.id.materialization} writes collection ${request.collection} here. ` +
    'Changes made by hand are overwritten or get in the way.';
  return (
    // Vacuum and analyze in the middle of a load only take its time; they are let in again with the key.
    `CREATE TABLE ${relation} (${columns.join(', ')}) WITH (autovacuum_enabled = false, toast.autovacuum_enabled = false);` +
    `COMMENT ON TABLE ${relation} IS ${quoteText(comment)};`
  );
}

/** The table's own name, or while another generation of it has that, one beside it. */
async function chooseName(lane: Lane, request: TableRequest, schemaName: string): Promise<string> {
  const { table, generation, materialization } = request.id;
  const owner = await ownerOf(lane, schemaName, table);
  if (owner === undefined) return table;
  if (owner.materialization !== materialization || owner.table !== table) {
    throw new Problem(
      'BRM-PG-TABLE-TAKEN',
      `Table ${schemaName}.${table} is written by materialization ${owner.materialization} already.`,
      {
        remedy: 'Give this binding another `table` name, or this materialization another `schema`.',
        at: { table },
      },
    );
  }
  return `${table} (generation ${generation})`;
}

function foreignTable(request: TableRequest, relation: string): Problem {
  return new Problem('BRM-PG-FOREIGN-TABLE', `Table ${relation} exists and was not made by Brimful.`, {
    remedy: `Choose another \`table\` or \`schema\`, or drop it: DROP TABLE ${relation}. To have Brimful write into it as it is, set \`adopt: true\` on the binding.`,
    at: { table: request.id.table },
  });
}
