import type { Destination, TableHandle, TableRequest } from '@brimful/connector';
import type { Schema } from '@brimful/model';

import { applyTo, requestOf } from '../../testing/destinations.ts';
import { batchOf, column, INT32, schemaOf, TEXT } from '../../testing/rows.ts';
import type { TextRow } from '../../testing/rows.ts';

export const ORDERS = schemaOf([column('id', INT32, { nullable: false }), column('name', TEXT)], ['id']);
export const NEVER = new AbortController().signal;

/** A complete table of one generation, holding these rows. */
export async function generation(
  destination: Destination,
  number: number,
  rows: readonly TextRow[],
  options: { readonly table?: string; readonly schema?: Schema; readonly more?: Partial<TableRequest> } = {},
): Promise<TableHandle> {
  const { table = 'orders', schema = ORDERS, more = {} } = options;
  const id = { materialization: 'test/warehouse', table, generation: number };
  const handle = await destination.open(requestOf(table, schema, { id, ...more }));
  await applyTo(
    destination,
    handle,
    [{ kind: 'load', batch: batchOf(schema, rows) }, { kind: 'index' }, { kind: 'settle' }],
    { generation: number },
  );
  return handle;
}
