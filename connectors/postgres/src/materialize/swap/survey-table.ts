import type { Arrival, TableSurvey } from '@brimful/connector';
import type { Guard } from '@brimful/model';
import { Problem } from '@brimful/model';

import type { Lane } from '../lane.ts';
import type { TableShape } from '../table-shape.ts';
import { misfitsOf } from './misfits.ts';
import { dependentsOf, refusalsOf } from './refusals.ts';
import { readCatalog } from './relation-catalog.ts';
import type { RelationCatalog } from './relation-catalog.ts';

export interface SurveyOptions {
  readonly schemaName: string;
  readonly table: string;
  readonly materialization: string;
  /** What the table is to take. */
  readonly arrival: Arrival | undefined;
}

/** What a plan needs to know about the table that has the name now. Reads the catalog only. */
export async function surveyTable(lane: Lane, options: SurveyOptions): Promise<TableSurvey | undefined> {
  const catalog = await readCatalog(lane, options.schemaName, options.table);
  if (catalog === undefined) return undefined;
  const note = await noteOf(lane, options);
  if (note !== undefined && note.materialization !== options.materialization) {
    throw new Problem(
      'BRM-PG-TABLE-TAKEN',
      `Table ${catalog.relation} is written by materialization ${note.materialization}.`,
      { remedy: 'Plan the run for that materialization.', at: { table: options.table } },
    );
  }
  const refusals = refusalsOf(catalog, note?.shape, note?.adopted ?? true);
  const dependents = dependentsOf(catalog, refusals);
  const subject = catalog.relation;
  const guards = refusals.map(({ what, why, remedy }): Guard => ({
    id: 'dependents',
    level: 'block',
    subject,
    message: `${what} cannot be carried over to the next generation.`,
    evidence: `${what}: ${why}`,
    remedy,
  }));
  const carried = dependents.filter((dependent) => dependent.carried);
  if (guards.length === 0) {
    guards.push({
      id: 'dependents',
      level: 'ok',
      subject,
      message: 'Everything that hangs on the table goes with its name.',
      evidence: carried.length === 0 ? 'nothing hangs on it' : carried.map(({ what }) => what).join(', '),
      remedy: null,
    });
  }
  return {
    rows: catalog.rows,
    bytes: catalog.bytes,
    dependents,
    columns: catalog.columns.map(({ name, type }) => ({ name, type })),
    misfits:
      note === undefined || options.arrival === undefined
        ? []
        : misfitsOf(note.shape, catalog.columns, options.arrival.schema, options.table),
    guards: [...guards, await rights(lane, catalog)],
  };
}

interface SurveyNote {
  readonly materialization: string;
  readonly adopted: boolean;
  readonly shape: TableShape;
}

/** Without notes, or without a right to read them, the table is somebody else's. */
async function noteOf(lane: Lane, { schemaName, table }: SurveyOptions): Promise<SurveyNote | undefined> {
  const there = await lane.query(`SELECT to_regclass('brimful.tables') IS NOT NULL AS there`);
  if (there.rows[0]?.['there'] !== true) return undefined;
  const found = await lane.query(
    'SELECT materialization, adopted, shape::text FROM brimful.tables WHERE schema_name = $1 AND relation_name = $2',
    [schemaName, table],
  );
  const row = found.rows[0];
  if (row === undefined) return undefined;
  return {
    materialization: row['materialization'] as string,
    adopted: row['adopted'] as boolean,
    shape: JSON.parse(row['shape'] as string) as TableShape,
  };
}

/** What the role in `url` must be allowed to do for a swap. */
async function rights(lane: Lane, catalog: RelationCatalog): Promise<Guard> {
  const found = await lane.query('SELECT quote_ident(current_user) AS role');
  const role = String(found.rows[0]?.['role']);
  const missing: { readonly what: string; readonly remedy: string }[] = [];
  const { own, create, ownerCreates } = catalog.rights;
  if (!own)
    missing.push({
      what: `${catalog.relation} belongs to ${catalog.owner}`,
      remedy: `GRANT ${catalog.owner} TO ${role};`,
    });
  const allow = (whom: string): string => `GRANT USAGE, CREATE ON SCHEMA ${catalog.schema} TO ${whom};`;
  if (!create)
    missing.push({ what: `${role} may not create tables in ${catalog.schema}`, remedy: allow(role) });
  if (!ownerCreates && catalog.owner !== role)
    missing.push({
      what: `${catalog.owner} may not own tables in ${catalog.schema}`,
      remedy: allow(catalog.owner),
    });
  for (const view of catalog.views) {
    if (!view.own)
      missing.push({
        what: `${view.view} belongs to ${view.owner}`,
        remedy: `GRANT ${view.owner} TO ${role};`,
      });
    if (!view.create)
      missing.push({
        what: `${role} may not replace ${view.view}`,
        remedy: `GRANT CREATE ON SCHEMA ${view.schema} TO ${role};`,
      });
  }
  const id = 'destination-rights';
  const subject = catalog.relation;
  if (missing.length === 0) {
    return {
      id,
      level: 'ok',
      subject,
      message: `${role} may swap the table.`,
      evidence: `${role} owns it`,
      remedy: null,
    };
  }
  return {
    id,
    level: 'block',
    subject,
    message: `${role} may not swap the table.`,
    evidence: missing.map(({ what }) => what).join('; '),
    remedy: [...new Set(missing.map(({ remedy }) => remedy))].join(' '),
  };
}
