import { Problem } from '@brimful/model';
import type { TableRequest } from '@brimful/connector';

import { quoteIdentifier, quoteText } from '../types/identifier.ts';
import { adoptTable } from './adopt-table.ts';
import { ownerOf, writeNote } from './bookkeeping.ts';
import type { Note } from './bookkeeping.ts';
import { generationName } from './generation-name.ts';
import type { Lane } from './lane.ts';
import { DELETED_AT } from './merge-target.ts';
import { shapeOf, sqlType } from './table-shape.ts';
import type { TableShape } from './table-shape.ts';

/** Makes the table a request asks for, and notes it. Runs in one transaction, which the caller begins and ends. */
export async function prepareTable(lane: Lane, request: TableRequest, schemaName: string): Promise<Note> {
  const shape = shapeOf(request.schema, request.id.table);
  await ensureSchema(lane, schemaName);
  // In this order: whoever makes the table meanwhile notes it in the same transaction, so then an owner is found.
  const present = await relationKind(lane, schemaName, request.id.table);
  const relationName = await chooseName(lane, request, schemaName);
  const relation = `${quoteIdentifier(schemaName)}.${quoteIdentifier(relationName)}`;
  const kind = relationName === request.id.table ? present : undefined;
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
  return freeGenerationName(lane, { schemaName, name: table, generation });
}

/** More than this many that others have taken is no accident. */
const NAME_ATTEMPTS = 20;

/** A name for a generation that stands beside, which nobody in the schema has. */
export async function freeGenerationName(
  lane: Lane,
  { schemaName, name, generation }: { schemaName: string; name: string; generation: number },
): Promise<string> {
  for (let attempt = 1; attempt <= NAME_ATTEMPTS; attempt += 1) {
    const candidate = generationName(name, generation, attempt);
    if ((await relationKind(lane, schemaName, candidate)) === undefined) return candidate;
  }
  throw new Problem(
    'BRM-PG-NAME',
    `All names for generation ${generation} of ${name} are taken in ${schemaName}.`,
    {
      remedy: `Drop what nobody needs: tables of ${schemaName} named "${generationName(name, generation)}" and the like.`,
      at: { table: name },
    },
  );
}

/** `pg_class.relkind` of whatever has the name. */
async function relationKind(
  lane: Lane,
  schemaName: string,
  relationName: string,
): Promise<string | undefined> {
  const existing = await lane.query(
    'SELECT c.relkind FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = $1 AND c.relname = $2',
    [schemaName, relationName],
  );
  return existing.rows[0]?.['relkind'] as string | undefined;
}

function foreignTable(request: TableRequest, relation: string): Problem {
  return new Problem('BRM-PG-FOREIGN-TABLE', `Table ${relation} exists and was not made by Brimful.`, {
    remedy: `Choose another \`table\` or \`schema\`, or drop it: DROP TABLE ${relation}. To have Brimful write into it as it is, set \`adopt: true\` on the binding.`,
    at: { table: request.id.table },
  });
}
