import type { Column } from '@brimful/model';
import { Problem, batchBytes } from '@brimful/model';
import { rowsInScope, scopeColumns } from '../backfill/rows-in-scope.ts';
import type { Nominated } from '../collection/nomination.ts';
import { nominate } from '../collection/nomination.ts';
import type { CapturedTable } from './captured-table.ts';
import type { Reread } from './checkpoint.ts';
import type { BackfillMeans } from './read-chunk.ts';
import { admit, throughHandoff } from './read-chunk.ts';

/**
 * Rows that were deleted at the source while nobody looked. The scan only nominates: keys the collection had in scope that
 * it neither read nor saw change. A look-up at the source decides: what is found (it had moved out of the range, say) is
 * merged, what is missing becomes an ordinary delete. Idempotent: what was decided counts as changed.
 */
export async function reconcileMissing(
  table: CapturedTable,
  means: BackfillMeans,
  signal: AbortSignal,
): Promise<void> {
  const { reread } = table.backfill;
  if (reread === null || reread.outcome !== 'reading' || reread.missingRows === 'keep') return;
  const first = await assertWithinLimit(table, reread, means, signal);
  for await (const nominated of first ?? nominations(table, reread, means, signal)) {
    const { keys, rows } = nominated;
    const read = () => means.session.scanKeys(table.resource, keys, rows, signal);
    await throughHandoff(table, { range: null, nominated }, read, means, signal);
  }
}

function nominations(
  table: CapturedTable,
  { scope }: Reread,
  means: BackfillMeans,
  signal: AbortSignal,
): AsyncIterable<Nominated> {
  const { collection, generation, schema, head } = table.writer;
  if (schema === undefined) throw new Problem('BRM-BUG', 'a complete table has a schema', { kind: 'bug' });
  return nominate(means.context, collection, generation, {
    from: table.backfill.from,
    until: head.next,
    inScope: rowsInScope(scope, schema),
    columns: scopeColumns(scope),
    signal,
  });
}

/** Nominated keys that are kept from one look at the journal to the look-ups; more are looked for once more. */
const KEPT_BYTES = 4 * 1024 * 1024;

/**
 * The blast radius: before anything is deleted. Usually so few are nominated that nothing needs to be asked, and all of them
 * are returned; otherwise they are looked up once without consequences.
 */
async function assertWithinLimit(
  table: CapturedTable,
  reread: Reread,
  means: BackfillMeans,
  signal: AbortSignal,
): Promise<readonly Nominated[] | undefined> {
  const limit = reread.deleteLimitRows;
  const found = await nominatedOnce(nominations(table, reread, means, signal));
  if (reread.deleted + found.rows <= limit) return found.kept;
  let missing = reread.deleted;
  for await (const { keys, rows } of nominations(table, reread, means, signal)) {
    missing += rows - (await countFound(table, keys, rows, means, signal));
    if (missing > limit) throw tooMany(table, reread, limit);
  }
  return undefined;
}

/** How many are nominated, and all of them where they are few. What changes later, the look-ups see. */
async function nominatedOnce(
  nominated: AsyncIterable<Nominated>,
): Promise<{ readonly rows: number; readonly kept: readonly Nominated[] | undefined }> {
  let rows = 0;
  let bytes = 0;
  const kept: Nominated[] = [];
  for await (const one of nominated) {
    rows += one.rows;
    for (const { values, offsets } of one.keys) bytes += values.length + (offsets?.byteLength ?? 0);
    // Invariant 9
    if (bytes <= KEPT_BYTES) kept.push(one);
  }
  return { rows, kept: bytes <= KEPT_BYTES ? kept : undefined };
}

async function countFound(
  table: CapturedTable,
  keys: readonly Column[],
  rows: number,
  means: BackfillMeans,
  signal: AbortSignal,
): Promise<number> {
  const leave = await admit(means, signal);
  try {
    await using chunk = await means.session.scanKeys(table.resource, keys, rows, signal);
    let found = 0;
    for await (const batch of chunk.batches) {
      found += batch.rows;
      await means.pace.take(batchBytes(batch), signal);
    }
    await chunk.finish();
    return found;
  } finally {
    leave();
  }
}

function tooMany(table: CapturedTable, { run }: Reread, limit: number): Problem {
  const { collection } = table.writer;
  return new Problem(
    'BRM-RUN-DELETES',
    `More than ${limit} rows of ${collection} are no longer at the source: more than this run may remove.`,
    {
      remedy: `If that is right, order it anew with a larger --delete-limit. To keep them: --keep-missing. Cancel this one: brimful backfill cancel ${run}.`,
      at: { collection, run },
    },
  );
}
