import type { ChangedRow } from '@brimful/control';
import { changedRow } from '@brimful/control';
import type { Batch } from '@brimful/model';
import { Problem } from '@brimful/model';
import type { Store } from '@brimful/store';
import type { CommandContext } from '../command-context.ts';
import { connectorContext, loadedConfig } from '../command-context.ts';
import { suggestion } from '../config/nearest.ts';
import { openStoreReadonly } from '../data-directory.ts';
import type { ExitCodeNumber } from '../exit-code.ts';
import { ExitCode } from '../exit-code.ts';
import { print } from '../output.ts';
import { plural } from '../terminal/format.ts';
import { grid } from '../terminal/grid.ts';
import { clip } from '../terminal/width.ts';

/** A batch has thousands of rows: the newest rows are rarely further back than this many entries. */
const ENTRIES_BACK = 64;
const WIDEST_CELL = 40;

/** Shows the newest rows and changes of a collection as they stand in its journal, oldest first. */
export async function preview(
  context: CommandContext,
  collection: string,
  options: { readonly limit: number },
): Promise<ExitCodeNumber> {
  const { dataDirectory } = await loadedConfig(context);
  await using store = await openStoreReadonly(dataDirectory);
  const rows = await newestRows(store, collection, options.limit);
  if (context.output.json) {
    for (const row of rows) context.output.stdout.write(`${JSON.stringify(row)}\n`);
    return ExitCode.ok;
  }
  const columns = [...new Set(rows.flatMap((row) => Object.keys(row.values)))];
  const cells = rows.map((row) => [
    row.operation,
    row.committedAt ?? '',
    ...columns.map((column) => cell(row, column)),
  ]);
  context.output.stdout.write(`${grid(['operation', 'committed', ...columns], cells)}\n`);
  print(
    context.output,
    context.output.colors.dim(`(the newest ${plural(rows.length, 'row')} of ${collection})`),
  );
  return ExitCode.ok;
}

function cell(row: ChangedRow, column: string): string | null {
  const value = row.values[column];
  // A change names only what the source sent: the rest is not null but unsaid.
  if (value === undefined) return '…';
  return value === null ? null : clip(value.replaceAll('\n', ' '), WIDEST_CELL);
}

async function newestRows(store: Store, collection: string, limit: number): Promise<ChangedRow[]> {
  const { ByteBudget, CollectionReader, collectionGenerations, journalId, zstd } =
    await import('@brimful/engine');
  const { current } = await collectionGenerations(store.registry, collection).read();
  const state = await store.journals.state(journalId(collection, current));
  if (state === undefined) throw await unknownCollection(store, collection);
  const memory = new ByteBudget(MEMORY_BYTES);
  const reader = new CollectionReader(
    { ...connectorContext(), store, compression: zstd, memory },
    collection,
    current,
  );
  const found: ChangedRow[] = [];
  const signal = new AbortController().signal;
  // Backwards in windows, so that a journal of millions of entries is not read from its beginning.
  for (let until = state.next; until > state.first && found.length < limit; until -= ENTRIES_BACK) {
    const rows: ChangedRow[] = [];
    for await (const entry of reader.history(Math.max(state.first, until - ENTRIES_BACK), until, signal)) {
      if (entry.kind === 'truncate') rows.push({ operation: 'truncate', values: {} });
      if (entry.kind !== 'rows') continue;
      rows.push(...lastRows(await reader.batch(entry), limit));
      if (rows.length > limit) rows.splice(0, rows.length - limit);
    }
    found.unshift(...rows);
  }
  return found.slice(-limit);
}

/** For one batch at a time. */
const MEMORY_BYTES = 64 * 1024 * 1024;

function lastRows(batch: Batch, limit: number): ChangedRow[] {
  const rows: ChangedRow[] = [];
  for (let row = Math.max(0, batch.rows - limit); row < batch.rows; row += 1)
    rows.push(changedRow(batch, row));
  return rows;
}

async function unknownCollection(store: Store, collection: string): Promise<Problem> {
  const journals = await store.journals.list('');
  const collections = journals.map((id) => id.split('/').slice(0, -2).join('/'));
  return new Problem('BRM-USAGE-NAME', `There is no collection ${collection} in this data directory.`, {
    remedy: suggestion(collection, new Set(collections), 'collection'),
  });
}
