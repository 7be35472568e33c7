import type { RunState } from '@brimful/model';
import { Problem } from '@brimful/model';
import { sharedPostgres } from '@brimful/testbed/vitest';
import { describe, expect, test } from 'vitest';
import { orderRun, tell, untilRun, untilTakenBack } from './order-run.ts';
import { PipeBed } from './pipe-bed.ts';
import { SEED } from './seed.ts';
import { HARD_TABLES, Workload, fillSql, randomOf } from './workload.ts';

/** Longer by a flag: `BRIMFUL_ROUNDS=50 npm test -- acceptance`. */
const ROUNDS = Number(process.env['BRIMFUL_ROUNDS'] ?? 3);

const KEYED = ['toasted', 'Größe_quoted_', 'indexed_identity', 'full_keyed', 'parted', 'empty_table'];
const KEYLESS = ['full_keyless', 'appended'];

type Draft = Parameters<typeof orderRun>[1];

/** Any run that there can be over the hard tables; most often over some of them. */
function randomDraft(random: () => number): Draft {
  const pick = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)] as T;
  const some = (from: readonly string[]): string[] =>
    from.filter(() => random() < 0.5).map((table) => `shop/${table}`);
  const undo = pick(['0', '1s', '1h']);
  const [first] = KEYED;
  switch (pick(['reset', 'reset', 'materialization', 'incremental', 'keys', 'time'])) {
    case 'reset':
      return { mode: 'reset', task: 'shop/postgres', undo, bindings: some([...KEYED, ...KEYLESS]) };
    case 'materialization':
      return { mode: 'materialization', task: pick(['shop/copy', 'shop/lake']), undo };
    case 'incremental': {
      const bindings = some(KEYED);
      const all = bindings.length === 0 ? [`shop/${first}`] : bindings;
      return { mode: 'incremental', task: 'shop/postgres', bindings: all };
    }
    case 'keys': {
      const from = Math.floor(random() * 300);
      const bounds = { keyFrom: `${from}`, keyTo: `${from + 200}` };
      return { mode: 'incremental', task: 'shop/postgres', bindings: [`shop/${first}`], ...bounds };
    }
    default:
      return {
        mode: 'incremental',
        task: 'shop/postgres',
        bindings: ['shop/parted'],
        time: 'day',
        from: '2026-01-10',
        to: '2026-02-05',
        zone: 'Europe/Berlin',
      };
  }
}

/** What a person may do to a run while it goes on; refused where it is too late for that. */
async function interfere(bed: PipeBed, id: string, random: () => number): Promise<void> {
  const choice = random();
  if (choice > 0.5) return;
  const client = await bed.control();
  try {
    if (choice < 0.2) {
      await tell(client, id, 'pause');
      await tell(client, id, 'resume');
    } else if (choice < 0.35) await tell(client, id, 'cancel');
    else await tell(client, id, 'throttle', { throttle: { bytesPerSecond: 5_000_000, readers: 1 } });
  } catch (thrown) {
    if (!(thrown instanceof Problem) || thrown.code !== 'BRM-RUN-REFUSED') throw thrown;
  }
}

/** Where a run comes to rest: never stuck, never failed. */
const RESTS: readonly RunState[] = ['swapped', 'done', 'cancelled'];

describe.each(sharedPostgres().map((server) => [server.majorVersion, server] as const))(
  'Postgres %i',
  (_, server) => {
    // Invariant 4, Invariant 5, Invariant 7
    test(
      'random runs under random writers and kill -9 end, and everything is equal',
      { timeout: (5 + ROUNDS) * 60_000 },
      async () => {
        console.log(`seed ${SEED} (replay with BRIMFUL_SEED=${SEED})`);
        await using bed = await PipeBed.create(server, HARD_TABLES + fillSql(1000));
        const random = randomOf(SEED);
        const workload = new Workload(bed.source.url, SEED, { pauseMilliseconds: 20 });
        const control = () => bed.control();
        await using first = bed.start();
        await bed.arrived(first);
        let pipe = first;
        workload.start(2);
        try {
          for (let round = 0; round < ROUNDS; round += 1) {
            const draft = randomDraft(random);
            const { run } = await orderRun(await control(), draft);
            await new Promise((resolve) => setTimeout(resolve, random() * 4000));
            await interfere(bed, run.id, random);
            await pipe.kill();
            pipe = bed.start();
            const rested = await untilRun(control, run.id, ...RESTS);
            expect(rested.bindings.flatMap(({ problem }) => problem ?? [])).toEqual([]);
            if (rested.state === 'cancelled') await untilTakenBack(control, run.id);
            if (rested.state !== 'swapped' || draft.undo !== '1h') continue;
            await tell(await control(), run.id, 'undo');
            await pipe.kill();
            pipe = bed.start();
            await untilRun(control, run.id, 'undone');
          }
          await workload.stop();
          const differences = await bed.differences(pipe);
          expect(differences, differences.join('\n')).toEqual([]);
        } finally {
          await workload.stop();
          if (pipe.running) await pipe.kill();
        }
      },
    );
  },
);
