import type { CaptureSession, Chunk, ScanPlan } from '@brimful/connector';
import type { Batch, Range } from '@brimful/model';
import { Problem } from '@brimful/model';
import type { Value } from '@brimful/model/testing';
import { UNKNOWN, valueAt } from '@brimful/model/testing';
import { describe, expect, test } from 'vitest';
import { ByteBudget } from '../flow/byte-budget.ts';
import { PauseGate } from '../flow/pause-gate.ts';
import { Slots } from '../flow/slots.ts';
import { Watermark } from '../flow/watermark.ts';
import { MemoryDisk } from '../testing/memory-store.ts';
import {
  ALL_PAGES,
  DOCS,
  TableFixture,
  memoryContext,
  rowsOf,
  snapshotOf,
} from '../testing/table-fixture.ts';
import type { ReadPace } from './read-chunk.ts';
import { backfillTable } from './table-backfill.ts';

type Rows = readonly (readonly Value[])[];

/** What a read brings, as of a snapshot that sees transactions up to the one it names. */
interface Answer {
  readonly rows: Rows;
  readonly sees: bigint;
  /** After the rows. */
  readonly fails?: Problem;
}

interface Script {
  scan?(range: Range): Promise<Answer>;
  lookUp?(ids: readonly Value[]): Promise<Answer>;
  /** How large a chunk is wanted. */
  wished?(bytes: number | undefined): void;
}

const PLAN: ScanPlan = {
  fingerprint: '1',
  total: [ALL_PAGES],
  divisible: true,
  estimate: { rows: 0, bytes: 0, quality: 'unknown' },
  detail: null,
};

function chunkOf({ rows, sees, fails }: Answer): Chunk {
  return {
    batches: (async function* (): AsyncGenerator<Batch, void, undefined> {
      if (rows.length > 0) yield rowsOf(DOCS, rows);
      if (fails !== undefined) throw fails;
    })(),
    finish: async () => ({ snapshot: snapshotOf(sees), passed: 0n }),
    [Symbol.asyncDispose]: async () => undefined,
  };
}

async function backfill(
  docs: TableFixture,
  script: Script,
  disk: MemoryDisk,
  memory = new ByteBudget(100_000_000),
  pace: Partial<ReadPace> = {},
): Promise<ByteBudget> {
  const session = {
    readers: 2,
    plan: async () => PLAN,
    next: (_: ScanPlan, [first]: readonly Range[], atMostBytes?: number) => {
      script.wished?.(atMostBytes);
      return first as Range;
    },
    scan: async (_: string, __: ScanPlan, range: Range) =>
      chunkOf((await script.scan?.(range)) ?? { rows: [], sees: 0n }),
    scanKeys: async (_: string, [ids]: Batch['columns'], rows: number) =>
      chunkOf(
        (await script.lookUp?.(
          Array.from({ length: rows }, (__, row) => valueAt(ids as Batch['columns'][number], row)),
        )) ?? { rows: [], sees: 0n },
      ),
    nudge: async () => undefined,
  } satisfies Partial<CaptureSession> as unknown as CaptureSession;
  const means = {
    context: memoryContext(disk, { memory }),
    session,
    passed: new Watermark(),
    readers: new Slots(2),
    gate: new PauseGate(),
    carryFrom: () => Promise.reject(new Error('nothing is carried over')),
    pace: {
      reader: async () => () => undefined,
      take: async () => undefined,
      chunkBytes: () => Infinity,
      ...pace,
    },
  };
  await backfillTable(docs.table, means, new AbortController().signal);
  return memory;
}

describe('the first read of a table', () => {
  test('looks up what the stream left out, once for hot keys too, and then is complete', async () => {
    const disk = new MemoryDisk();
    const docs = await TableFixture.open(disk);
    const asked: (readonly Value[])[] = [];
    const memory = await backfill(
      docs,
      {
        scan: async () => {
          await docs.stream(10n, { operation: 'update', row: [1, 'ten', UNKNOWN] });
          return { rows: [], sees: 10n };
        },
        lookUp: async (ids) => {
          asked.push(ids);
          // It changes again while it is looked up.
          await docs.stream(11n, { operation: 'update', row: [1, 'eleven', UNKNOWN] });
          return { rows: [[1, 'ten', 'large']], sees: 10n };
        },
      },
      disk,
    );
    expect(asked).toEqual([[1]]);
    expect(docs.table.backfill.phase).toBe('complete');
    expect(await docs.rows()).toEqual(['[1,"eleven","large"]']);
    expect(memory.takenBytes).toBe(0);
  });

  test('a row that moves away while it is looked up is looked up under its new key', async () => {
    const disk = new MemoryDisk();
    const docs = await TableFixture.open(disk);
    const asked: (readonly Value[])[] = [];
    await backfill(
      docs,
      {
        scan: async () => {
          await docs.stream(10n, { operation: 'update', row: [1, 'ten', UNKNOWN] });
          return { rows: [], sees: 10n };
        },
        lookUp: async (ids) => {
          asked.push(ids);
          if (asked.length === 1)
            await docs.stream(11n, { operation: 'move', row: [2, UNKNOWN, UNKNOWN], oldKey: [1] });
          return { rows: ids.includes(2) ? [[2, 'ten', 'large']] : [], sees: 11n };
        },
      },
      disk,
    );
    expect(asked).toEqual([[1], [2]]);
    expect(await docs.rows()).toEqual(['[2,"ten","large"]']);
  });

  test('starts over when the table was rewritten, and drops what the given-up chunk had staged', async () => {
    const disk = new MemoryDisk();
    const docs = await TableFixture.open(disk);
    let reads = 0;
    await backfill(
      docs,
      {
        scan: async () => {
          reads += 1;
          if (reads === 1) throw new Problem('BRM-SCAN-MOVED', 'rewritten');
          return { rows: [[1, 'a', null]], sees: 1n };
        },
      },
      disk,
    );
    expect(reads).toBe(2);
    expect(docs.table.attempt).toBe(1);
    expect(await docs.rows()).toEqual(['[1,"a",null]']);
    expect([...disk.blobs.keys()].sort()).toEqual([...disk.claimed()].sort());
  });

  test('is given up without an error when the stream loses the table', async () => {
    const disk = new MemoryDisk();
    const docs = await TableFixture.open(disk);
    const problem = { code: 'BRM-X', kind: 'operator', message: 'm', remedy: null, at: {} } as const;
    const { resource } = docs.table;
    const memory = await backfill(
      docs,
      {
        scan: async () => {
          await docs.resource.follow([{ kind: 'failed', resource, problem }]);
          return { rows: [[1, 'a', null]], sees: 1n };
        },
      },
      disk,
    );
    expect(docs.table.backfill.phase).toBe('gap');
    expect(memory.takenBytes).toBe(0);
  });

  test('a chunk is as large as the rate is once it is let in, not when it began to wait', async () => {
    const disk = new MemoryDisk();
    const docs = await TableFixture.open(disk);
    let rate = Infinity;
    const wished: (number | undefined)[] = [];
    const scan: Script['scan'] = async () => ({ rows: [[1, 'a', null]], sees: 1n });
    const reader: ReadPace['reader'] = async () => {
      rate = 1_000;
      return () => undefined;
    };
    await backfill(docs, { scan, wished: (bytes) => wished.push(bytes) }, disk, undefined, {
      reader,
      chunkBytes: () => rate,
    });
    expect(wished).toEqual([1_000]);
  });

  // Invariants 8, 9
  test('a failing read tells its problem, gives back its memory and leaves no segment', async () => {
    const disk = new MemoryDisk();
    const docs = await TableFixture.open(disk);
    const memory = new ByteBudget(100_000_000);
    const fails = new Problem('BRM-VALUE', 'not exact');
    const scan: Script['scan'] = async () => ({ rows: [[1, 'a', null]], sees: 1n, fails });
    await expect(backfill(docs, { scan }, disk, memory)).rejects.toMatchObject({ code: 'BRM-VALUE' });
    expect(docs.table.openRows).toBe(0);
    expect(memory.takenBytes).toBe(0);
    expect(disk.blobs.size).toBe(0);
  });
});
