import type { Json } from '@brimful/model';
import { assert, Problem } from '@brimful/model';
import type { TableRequest } from '@brimful/connector';

import type { Lane } from './lane.ts';
import type { OpenTable, TableFacts, TableState } from './open-table.ts';
import type { Statement } from './pipeline.ts';
import type { TableShape } from './table-shape.ts';
import type { Transaction } from './transaction.ts';

/** Marks the notes: one row a table generation, in `brimful.tables`. */
const FORMAT = 'Brimful bookkeeping, format 1';
/** Two that set up at once would collide in the catalog; any number will do, as long as it stays the same. */
const SETUP_LOCK = 5_472_310_846;

/**
 * Rows are updated with every transaction: room on the page and a narrow row (shapes are moved out of line) keep each
 * update small and in place.
 */
const SETUP = `
CREATE TABLE IF NOT EXISTS brimful.tables (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  materialization text NOT NULL,
  table_name text NOT NULL,
  generation integer NOT NULL,
  schema_name text NOT NULL,
  relation_name text NOT NULL,
  collection text NOT NULL,
  adopted boolean NOT NULL,
  state text NOT NULL CHECK (state IN ('loading', 'indexed', 'settled')),
  epoch bigint NOT NULL,
  checkpoint jsonb,
  schema_version integer NOT NULL,
  shape jsonb NOT NULL,
  written_at timestamp with time zone NOT NULL DEFAULT now(),
  UNIQUE (materialization, table_name, generation),
  UNIQUE (schema_name, relation_name)
) WITH (fillfactor = 50, toast_tuple_target = 128, autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_scale_factor = 0);
COMMENT ON TABLE brimful.tables IS '${FORMAT}. What Brimful writes into this database: one row per table, with the checkpoint its rows stand at. Do not change it by hand.';
`;

/** What the notes say about one table. */
export interface Note {
  readonly id: string;
  readonly epoch: string;
  readonly checkpoint: Json | undefined;
  readonly schemaName: string;
  readonly relationName: string;
  readonly adopted: boolean;
  readonly facts: TableFacts;
}

/** Creates the notes when they are not there. Refuses those of a newer version. */
export async function ensureBookkeeping(lane: Lane): Promise<void> {
  const found = await lane.query(
    `SELECT EXISTS (SELECT FROM pg_namespace WHERE nspname = 'brimful') AS schema,
            to_regclass('brimful.tables') IS NOT NULL AS complete,
            obj_description(to_regclass('brimful.tables'), 'pg_class') AS format`,
  );
  const { schema, complete, format } = found.rows[0] ?? {};
  if (complete !== true) {
    // Only asked to create what is missing: the role may have no right to create schemas.
    const create = schema === true ? '' : 'CREATE SCHEMA IF NOT EXISTS brimful;';
    // Several statements in one message are one transaction.
    await lane.query(`SELECT pg_advisory_xact_lock(${SETUP_LOCK}); ${create} ${SETUP}`);
  } else if (typeof format !== 'string' || !format.startsWith(`${FORMAT}.`)) {
    throw new Problem(
      'BRM-PG-NEWER',
      `The table brimful.tables in this database is marked "${String(format)}", which this version does not know.`,
      { remedy: 'Run the newer version of Brimful, or give this one a database of its own.' },
    );
  }
}

const COLUMNS =
  'id::text, epoch::text, checkpoint::text, schema_name, relation_name, adopted, state, schema_version, shape::text';

/**
 * Raises the fence and reads the notes as they are from then on. Waits for a transaction that still holds the row: the
 * commit of a writer that has died or been replaced. (Invariant 3)
 */
export async function takeOver(lane: Lane, id: TableRequest['id']): Promise<Note | undefined> {
  const taken = await lane.query(
    `UPDATE brimful.tables SET epoch = epoch + 1 WHERE materialization = $1 AND table_name = $2 AND generation = $3 RETURNING ${COLUMNS}`,
    [id.materialization, id.table, id.generation],
  );
  const row = taken.rows[0];
  return row === undefined ? undefined : noteOf(row);
}

function noteOf(row: Readonly<Record<string, unknown>>): Note {
  const checkpoint = row['checkpoint'] as string | null;
  return {
    id: row['id'] as string,
    epoch: row['epoch'] as string,
    checkpoint: checkpoint === null ? undefined : (JSON.parse(checkpoint) as Json),
    schemaName: row['schema_name'] as string,
    relationName: row['relation_name'] as string,
    adopted: row['adopted'] as boolean,
    facts: {
      state: row['state'] as TableState,
      shape: JSON.parse(row['shape'] as string) as TableShape,
      schemaVersion: row['schema_version'] as number,
    },
  };
}

export interface NewNote {
  readonly schemaName: string;
  readonly relationName: string;
  readonly adopted: boolean;
  readonly facts: TableFacts;
}

/** Notes a table for the first time. In the transaction that creates it. */
export async function writeNote(lane: Lane, request: TableRequest, note: NewNote): Promise<Note> {
  const { id } = request;
  const written = await lane.query(
    `INSERT INTO brimful.tables (materialization, table_name, generation, schema_name, relation_name, collection, adopted, state, epoch, schema_version, shape)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 1, $9, $10) RETURNING ${COLUMNS}`,
    [
      id.materialization,
      id.table,
      id.generation,
      note.schemaName,
      note.relationName,
      request.collection,
      note.adopted ? 'true' : 'false',
      note.facts.state,
      note.facts.schemaVersion,
      shapeText(note.facts.shape),
    ],
  );
  const row = written.rows[0];
  assert(row !== undefined, 'the new note is returned');
  return noteOf(row);
}

/** Who else has this relation, as `materialization table (generation n)`. */
export async function ownerOf(
  lane: Lane,
  schemaName: string,
  relationName: string,
): Promise<TableRequest['id'] | undefined> {
  const found = await lane.query(
    'SELECT materialization, table_name, generation FROM brimful.tables WHERE schema_name = $1 AND relation_name = $2',
    [schemaName, relationName],
  );
  const row = found.rows[0];
  if (row === undefined) return undefined;
  return {
    materialization: row['materialization'] as string,
    table: row['table_name'] as string,
    generation: row['generation'] as number,
  };
}

/**
 * Locks the tables' rows, checks that this writer still holds them and moves their checkpoints, in one statement; any
 * row missing fails it with a division by zero, and the server then skips all that follows. (Invariants 2 and 3)
 */
export function fenceStatement(
  works: readonly { readonly table: OpenTable; readonly checkpoint: Json }[],
): Statement {
  const [only] = works;
  if (works.length === 1 && only !== undefined) {
    return {
      text: `WITH moved AS (UPDATE brimful.tables SET checkpoint = $3::jsonb, written_at = now() WHERE id = $1::bigint AND epoch = $2::bigint RETURNING 1) SELECT 1 / count(*) FROM moved`,
      parameters: [only.table.id, only.table.epoch, JSON.stringify(only.checkpoint)],
      prepared: true,
    };
  }
  const list = works.map(({ table, checkpoint }) => ({ id: table.id, epoch: table.epoch, checkpoint }));
  return {
    text: `WITH moved AS (UPDATE brimful.tables AS t SET checkpoint = w.checkpoint, written_at = now() FROM jsonb_to_recordset($1::jsonb) AS w(id bigint, epoch bigint, checkpoint jsonb) WHERE t.id = w.id AND t.epoch = w.epoch RETURNING 1) SELECT 1 / (count(*) / $2::bigint) FROM moved`,
    parameters: [JSON.stringify(list), String(works.length)],
    prepared: true,
  };
}

/** Notes what a transaction made of its tables, in that transaction. */
export function noteChanges(transaction: Transaction): void {
  for (const [table, facts] of transaction.changed()) {
    transaction.add(
      {
        text: 'UPDATE brimful.tables SET state = $2, schema_version = $3::integer, shape = $4::jsonb WHERE id = $1::bigint',
        parameters: [table.id, facts.state, String(facts.schemaVersion), shapeText(facts.shape)],
      },
      { table, doing: 'noting its shape' },
    );
  }
}

function shapeText(shape: TableShape): string {
  return JSON.stringify(shape);
}
