import { sharedPostgres } from '@brimful/testbed/vitest';
import { describe, expect, test } from 'vitest';
import { PipeBed } from './pipe-bed.ts';
import { SEED } from './seed.ts';
import { HARD_TABLES, HARD_TABLE_COUNT, Workload, fillSql, randomOf } from './workload.ts';

/** Longer by a flag: `BRIMFUL_ROUNDS=50 npm test -- acceptance`. */
const ROUNDS = Number(process.env['BRIMFUL_ROUNDS'] ?? 3);

/** Every named place at which a crash leaves something half done, and how often it is passed before the crash. */
const CRASH_POINTS = [
  'journal.before-append:40',
  'journal.after-append:60',
  'segment.before-put:2',
  'chunk.read:2',
  'chunk.passed:3',
  'chunk.appended:2',
  'backfill.before-complete:2',
  'capture.before-acknowledge:2',
  'materialization.before-apply:12',
  'materialization.after-apply:9',
];

describe.each(sharedPostgres().map((server) => [server.majorVersion, server] as const))(
  'Postgres %i',
  (_, server) => {
    // Invariant 4, Invariant 5
    test('a live database arrives whole through kill -9 at any time', { timeout: 600_000 }, async () => {
      await using bed = await PipeBed.create(server, HARD_TABLES + fillSql(3000));
      console.log(`seed ${SEED} (replay with BRIMFUL_SEED=${SEED})`);
      const random = randomOf(SEED);
      const workload = new Workload(bed.source.url, SEED);
      workload.start();
      try {
        for (let round = 0; round < ROUNDS; round += 1) {
          await using pipe = bed.start();
          await new Promise((resolve) => setTimeout(resolve, 700 + random() * 3000));
          await pipe.kill();
        }
        await using pipe = bed.start();
        const report = await bed.arrived(pipe);
        expect(report.status.captures[0]?.bindings).toHaveLength(HARD_TABLE_COUNT);
        await workload.stop();
        expect(await bed.differences(pipe)).toEqual([]);
      } finally {
        await workload.stop();
      }
    });

    // Invariant 1, Invariant 2
    test(
      'a live database arrives whole through kill -9 at every named point',
      { timeout: 600_000 },
      async () => {
        await using bed = await PipeBed.create(server, HARD_TABLES + fillSql(3000));
        const workload = new Workload(bed.source.url, SEED + 1);
        workload.start(2);
        const notReached: string[] = [];
        try {
          for (const point of CRASH_POINTS) {
            await using pipe = bed.start({ BRIMFUL_CRASH_AT: point });
            const timeout = setTimeout(() => void pipe.kill().then(() => notReached.push(point)), 30_000);
            expect(await pipe.exited).toBe('SIGKILL');
            clearTimeout(timeout);
          }
          await workload.stop();
          await using pipe = bed.start();
          expect(await bed.differences(pipe)).toEqual([]);
          // Once the first read is over, points of the first read are not passed any more; each is reached in some run.
          expect(notReached.length).toBeLessThan(CRASH_POINTS.length / 2);
        } finally {
          await workload.stop();
        }
      },
    );
  },
);
