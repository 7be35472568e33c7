import type { Estimate, Resource } from '@brimful/connector';
import type { RawSession } from '../wire/raw-session.ts';
import type { Catalog } from './catalog.ts';
import { problemWith } from './table-problem.ts';
import { schemaOf } from './table-schema.ts';
import type { Leaf, Table } from './table.ts';

export interface DiscoverOptions {
  readonly schemas: readonly string[] | undefined;
  readonly role: string;
  /** Stored generated columns are published. */
  readonly generatedToo: boolean;
}

/** Every table that could become a collection, with what stands against it. */
export async function discoverTables(
  session: RawSession,
  catalog: Catalog,
  options: DiscoverOptions,
): Promise<Resource[]> {
  const tables = await catalog.listTables(session, options.schemas);
  return tables.map((table) => {
    const found = problemWith(table, options.role);
    // What can be captured in part is; `check` tells in which part.
    const problem = found?.refused === true ? found.problem : undefined;
    return {
      name: table.resource,
      schema: schemaOf(table, options.generatedToo),
      estimate: estimateOf(table.leaves),
      suggestedTarget: targetName(table),
      ...(problem === undefined ? {} : { problem }),
    };
  });
}

/** The planner's own arithmetic: rows per page when last counted, times pages now. */
export function estimateOf(leaves: Table['leaves']): Estimate {
  let rows = 0;
  let bytes = 0;
  let known = true;
  for (const leaf of leaves) {
    bytes += leaf.bytes;
    if (leaf.pages === 0) continue;
    const density = rowsPerPage(leaf);
    if (density === undefined) known = false;
    else rows += density * leaf.pages;
  }
  if (bytes === 0) return { rows: 0, bytes: 0, quality: 'statistics' };
  return { rows: Math.round(rows), bytes, quality: known ? 'statistics' : 'unknown' };
}

function rowsPerPage(leaf: Leaf): number | undefined {
  return leaf.rows < 0 || leaf.countedPages === 0 ? undefined : leaf.rows / leaf.countedPages;
}

/** `public` says nothing; any other schema does. */
function targetName(table: Table): string {
  const words = table.schema === 'public' ? [table.name] : [table.schema, table.name];
  return words.map((word) => word.replaceAll(/[^\p{L}\p{N}_.-]+/gu, '_')).join('/');
}
