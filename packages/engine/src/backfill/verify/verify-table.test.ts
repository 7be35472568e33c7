import type { Destination, TableHandle } from '@brimful/connector';
import type { Batch, Schema } from '@brimful/model';
import type { Value } from '@brimful/model/testing';
import { SAMPLE_KEYS, assert } from '@brimful/model';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ByteBudget } from '../../flow/byte-budget.ts';
import type { TableCheckpoint } from '../../materialization/checkpoint.ts';
import { NEW_TABLE } from '../../materialization/checkpoint.ts';
import { MemoryDisk } from '../../testing/memory-store.ts';
import { DOCS, rowsOf } from '../../testing/table-fixture.ts';
import { COMPARISON_LEASE_BYTES } from './comparison.ts';
import type { StateReader } from './state-reader.ts';
import type { Verified } from './verified.ts';
import type { TableVerification } from './verify-table.ts';
import { verifyTable } from './verify-table.ts';

type Rows = readonly (readonly Value[])[];

async function* batchesOf(schema: Schema, rows: Rows): AsyncGenerator<Batch, void, undefined> {
  for (let at = 0; at < rows.length; at += 3) yield rowsOf(schema, rows.slice(at, at + 3));
}

interface OneRead {
  readonly rows: Rows;
  readonly checkpoint?: Partial<TableCheckpoint>;
}

/** A collection by what it holds at each offset, and the table as it is at each read. */
class Copy {
  readonly disk = new MemoryDisk();
  readonly memory = new ByteBudget(COMPARISON_LEASE_BYTES);
  readonly stop = new AbortController();
  schema: Schema = DOCS;
  reads = 0;
  readonly #history: readonly Rows[];
  readonly #table: readonly OneRead[];

  constructor(history: readonly Rows[], ...table: readonly OneRead[]) {
    this.#history = history;
    this.#table = table;
  }

  readonly state: StateReader = (asOf) => batchesOf(this.schema, this.#history[asOf] as Rows);

  readonly destination: Pick<Destination, 'read'> = {
    read: async (_, schema) => {
      const { rows, checkpoint } = this.#table[Math.min(this.reads, this.#table.length - 1)] as OneRead;
      this.reads += 1;
      return {
        checkpoint: checkpoint && { ...NEW_TABLE, phase: 'live', schema: 1, ...checkpoint },
        batches: batchesOf(schema, rows),
        [Symbol.asyncDispose]: async () => undefined,
      };
    },
  };

  async verify(changes: Partial<TableVerification> = {}): Promise<Verified> {
    const found = await verifyTable({
      subject: 'shop/warehouse: docs',
      destination: this.destination,
      table: {} as TableHandle,
      schema: this.schema,
      level: 'full',
      state: this.state,
      blobs: this.disk.open().blobs,
      scratch: 'verify/1',
      memory: this.memory,
      now: () => 7,
      signal: this.stop.signal,
      ...changes,
    });
    assert(this.disk.blobs.size === 0 && this.memory.takenBytes === 0, 'nothing is left behind');
    return found;
  }
}

const BEFORE: Rows = [
  [1, 'a', 'x'],
  [2, '', null],
  [3, 'c', 'z'],
];
const AFTER: Rows = [...BEFORE.slice(1), [4, 'd', null]];

describe('a table and its collection', () => {
  test('are compared at the offset the table is at, however far the collection is', async () => {
    const { report, differing } = await new Copy([BEFORE, AFTER], {
      rows: BEFORE,
      checkpoint: { offset: 0 },
    }).verify();
    expect(report).toMatchObject({
      verdict: 'equal',
      asOf: '0',
      sides: 'collection and table',
      rows: { left: 3, right: 3 },
      skipped: [],
    });
    expect(differing).toEqual({ keys: [], complete: true });
    const later = await new Copy([BEFORE, AFTER], { rows: BEFORE, checkpoint: { offset: 1 } }).verify();
    expect(later.report).toMatchObject({ verdict: 'divergent', onlyLeft: 1, onlyRight: 1, different: 0 });
  });

  // Invariant 10
  test('differ in columns that are named and keys that are told, in no values', async () => {
    const copy = new Copy([BEFORE], {
      rows: [
        [1, 'secret', 'x'],
        [2, null, 'secret'],
        [5, 'secret', ''],
      ],
      checkpoint: { offset: 0 },
    });
    const { report, differing } = await copy.verify();
    expect(report).toMatchObject({ verdict: 'divergent', onlyLeft: 1, onlyRight: 1, different: 2 });
    expect(report.byColumn).toEqual({ body: 2, extra: 1 });
    expect(new Set(report.sampleKeys.flat())).toEqual(new Set(['1', '2', '3', '5']));
    expect(differing.complete).toBe(true);
    expect(JSON.stringify(report)).not.toContain('secret');
  });

  test('columns of rows that were mended between the two reads are not counted', async () => {
    const copy = new Copy(
      [BEFORE, AFTER],
      {
        rows: [
          [1, 'wrong', 'x'],
          [2, 'wrong', null],
          [3, 'c', 'z'],
        ],
        checkpoint: { offset: 0 },
      },
      {
        rows: [
          [2, 'wrong', null],
          [3, 'c', 'z'],
          [4, 'd', null],
        ],
        checkpoint: { offset: 1 },
      },
    );
    const { report } = await copy.verify();
    expect(report).toMatchObject({ different: 2, byColumn: { body: 1 }, asOf: '0' });
  });

  test('only a sample of keys is in the report, all of them are kept for a repair', async () => {
    const rows: Rows = Array.from({ length: 100 }, (_, id) => [id, 'a', null]);
    const { report, differing } = await new Copy([rows], { rows: [], checkpoint: { offset: 0 } }).verify();
    expect(report.onlyLeft).toBe(100);
    expect(report.sampleKeys.length).toBe(SAMPLE_KEYS);
    expect(differing.keys.length).toBe(100);
    expect(report.leaves.differing).toBe(report.leaves.total);
  });

  test('cannot be compared while the table is being built, or has other columns', async () => {
    for (const checkpoint of [{ phase: 'replaying' as const }, { schema: 2 }, undefined]) {
      const table = checkpoint === undefined ? { rows: BEFORE } : { rows: BEFORE, checkpoint };
      const { report } = await new Copy([BEFORE], table).verify();
      expect(report.verdict).toBe('inconclusive');
      expect(report.skipped).toHaveLength(1);
    }
  });

  test('are never equal while a column is left out', async () => {
    const leftOut = new Map([['extra', 'kept as text']]);
    const table = { rows: BEFORE.map((row) => row.with(2, 'other')), checkpoint: { offset: 0 } };
    const { report } = await new Copy([BEFORE], table).verify({ leftOut });
    expect(report).toMatchObject({
      verdict: 'inconclusive',
      skipped: ['column extra: kept as text'],
      different: 0,
    });
    const damaged = { rows: BEFORE.slice(1), checkpoint: { offset: 0 } };
    expect((await new Copy([BEFORE], damaged).verify({ leftOut })).report.verdict).toBe('divergent');
    const key = await new Copy([BEFORE], table).verify({ leftOut: new Map([['id', 'rounded']]) });
    expect(key.report).toMatchObject({ verdict: 'error', problem: { code: 'BRM-VERIFY-KEY' } });
  });

  test('a failure is a verdict, an abort is not', async () => {
    const copy = new Copy([BEFORE], { rows: BEFORE, checkpoint: { offset: 0 } });
    const { report } = await copy.verify({
      state: () => {
        throw new Error('the disk is gone');
      },
    });
    expect(report).toMatchObject({ verdict: 'error', problem: { message: 'the disk is gone' } });
    copy.stop.abort(new Error('cancelled'));
    await expect(copy.verify()).rejects.toThrow('cancelled');
    expect(copy.memory.takenBytes).toBe(0);
  });

  test('without a key are compared as bags of rows, and name none', async () => {
    const rows: Rows = [
      [1, 'a', null],
      [1, 'a', null],
      [2, 'b', null],
    ];
    const copy = new Copy([rows], { rows: [...rows.slice(1), [2, 'b', null]], checkpoint: { offset: 0 } });
    copy.schema = { ...DOCS, key: [] };
    const { report, differing } = await copy.verify();
    expect(report).toMatchObject({ verdict: 'divergent', onlyLeft: 1, onlyRight: 1, sampleKeys: [] });
    expect(differing).toEqual({ keys: [], complete: false });
  });
});

test('the verdict is equal exactly if the states are', async () => {
  const arbitrary = fc.uniqueArray(
    fc.tuple(fc.nat(20), fc.constantFrom('', 'a', null), fc.constantFrom('', 'b', null)),
    { selector: ([id]) => id, maxLength: 15 },
  );
  const text = (rows: Rows): string =>
    rows
      .map((row) => JSON.stringify(row))
      .sort()
      .join();
  await fc.assert(
    fc.asyncProperty(arbitrary, arbitrary, fc.boolean(), async (a, b, isSame) => {
      const right = isSame ? a.toReversed() : b;
      const { report } = await new Copy([a], { rows: right, checkpoint: { offset: 0 } }).verify();
      expect(report.verdict).toBe(text(a) === text(right) ? 'equal' : 'divergent');
    }),
    { numRuns: 300 },
  );
});
