import { newestPostgres, sharedPostgres } from '@brimful/testbed/vitest';
import { describe, expect, test } from 'vitest';
import { KilledPipes } from './killed-pipes.ts';
import { PipeBed } from './pipe-bed.ts';
import { SEED } from './seed.ts';
import { HARD_TABLES, Workload, fillSql } from './workload.ts';

const MINUTES = 60_000;

/** Every named place on the way of a run, in the order in which it gets there. */
const READING = [
  'run.before-queued',
  'run.before-started',
  'chunk.read',
  'chunk.passed:2',
  'chunk.appended:2',
  'segment.before-put',
  'journal.before-append:9',
  'journal.after-append:9',
  'backfill.before-complete',
  'backfill.before-complete:2',
];
const LOADING = ['duckdb.apply.before-commit:2', 'duckdb.apply.committed:2', 'postgres.apply.send:3'];
const SWAPPING = [
  'swap.after-adopt',
  'postgres.swap.send',
  'postgres.swap.committed',
  'swap.before-note',
  'swap.after-destination',
  'duckdb.swap.before-commit',
  'duckdb.swap.committed',
  'swap.before-note:2',
  'swap.after-destination:2',
];
const AFTER_READING = ['run.before-all-read', 'run.before-caught-up', 'run.before-verified'];

/** Steps of the reset: what is ordered, at which places it is killed, what it comes to at last. */
const RESET = [...READING, ...LOADING, ...AFTER_READING, ...SWAPPING, 'run.before-swapped'];
const UNDO = [...SWAPPING, 'run.before-swapped-back'];
const REDO = ['swap.after-destination', 'run.before-swapped'];
const REBUILD = [
  'run.before-started',
  'compaction.before-append',
  'compaction.before-record',
  'compaction.after-record',
  ...LOADING,
  ...AFTER_READING,
  'duckdb.swap.before-commit',
  'duckdb.swap.committed',
  'swap.before-note',
  'swap.after-destination',
  'run.before-swapped',
];
const MERGE = [
  'run.before-started',
  'chunk.read',
  'chunk.passed',
  'chunk.appended',
  'backfill.before-complete',
  'run.before-completed',
];
/** `BRIMFUL_LONG=1`: at every place, on every server. Without it at those that leave most half done, on the newest. */
const LONG = process.env['BRIMFUL_LONG'] === '1';
const SERVERS = LONG ? sharedPostgres() : [newestPostgres()];
const SHORT = new Set([
  'chunk.passed:2',
  'backfill.before-complete:2',
  'run.before-verified',
  'swap.after-adopt',
  'postgres.swap.committed',
  'swap.after-destination',
  'duckdb.swap.committed',
  'run.before-swapped',
  'compaction.after-record',
  'chunk.appended',
]);

function places(all: readonly string[]): readonly string[] {
  return LONG ? all : all.filter((place) => SHORT.has(place));
}

describe.each(SERVERS.map((server) => [server.majorVersion, server] as const))('Postgres %i', (_, server) => {
  // Invariant 4, Invariant 5, Invariant 7
  test(
    'runs end, and everything is equal, through kill -9 at every named place',
    { timeout: 10 * MINUTES },
    async () => {
      console.log(`seed ${SEED} (replay with BRIMFUL_SEED=${SEED})`);
      await using bed = await PipeBed.create(server, HARD_TABLES + fillSql(1000));
      const workload = new Workload(bed.source.url, SEED, { pauseMilliseconds: 30 });
      await using first = bed.start();
      await bed.arrived(first);
      await first.kill();
      const pipes = new KilledPipes(bed);
      workload.start(2);
      try {
        const reset = { mode: 'reset', task: 'shop/postgres', undo: '1h' };
        const id = await pipes.through(pipes.ordered(reset), places(RESET), 'swapped');
        await pipes.through(pipes.told(id, 'undo'), places(UNDO), 'undone');
        await pipes.through(pipes.told(id, 'redo'), places(REDO), 'swapped');
        const rebuild = { mode: 'materialization', task: 'shop/lake', undo: '2s' };
        await pipes.through(pipes.ordered(rebuild), places(REBUILD), 'done');
        const merge = { mode: 'incremental', task: 'shop/postgres', bindings: ['shop/toasted'] };
        await pipes.through(pipes.ordered(merge), places(MERGE), 'done');
        const copy = { mode: 'materialization', task: 'shop/copy', undo: '2s' };
        await pipes.through(pipes.ordered(copy), ['run.before-undo-window-ended'], 'done');
        await workload.stop();
        await using pipe = bed.start();
        expect(await bed.differences(pipe)).toEqual([]);
      } finally {
        await workload.stop();
      }
    },
  );
});
