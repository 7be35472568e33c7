import type { Batch, Schema } from '@brimful/model';
import { assert } from '@brimful/model';
import { describe, expect, test } from 'vitest';
import { rowsWhere, selectRows } from '../../collection/select-rows.ts';
import { ByteBudget } from '../../flow/byte-budget.ts';
import { MemoryDisk } from '../../testing/memory-store.ts';
import { Scheduler, SimulatedProcess } from '../../testing/scheduler.ts';
import type { LoggedChange, Row, SimulatedTable } from '../../testing/simulated-database.ts';
import { SimulatedDatabase, keyText, schemaOf } from '../../testing/simulated-database.ts';
import { SimulatedSession } from '../../testing/simulated-source.ts';
import type { WorkloadOptions } from '../../testing/simulated-workload.ts';
import { Workload, addTables, fill } from '../../testing/simulated-workload.ts';
import { rowsOf } from '../../testing/table-fixture.ts';
import { COMPARISON_LEASE_BYTES } from './comparison.ts';
import type { StateOptions } from './state-reader.ts';
import type { Verified } from './verified.ts';
import type { SourceVerification } from './verify-source.ts';
import { verifySource } from './verify-source.ts';

const STEP_LIMIT = 400_000;

/** What is wrong with the collection: changes its rows whenever they are read. */
type Fault = (rows: Row[], asOf: number) => Row[];

/** A source in motion, and a collection that follows its log at a distance. */
class Stage {
  readonly scheduler: Scheduler;
  readonly database: SimulatedDatabase;
  readonly session: SimulatedSession;
  readonly disk = new MemoryDisk();
  readonly memory = new ByteBudget(COMPARISON_LEASE_BYTES);
  readonly stop = new AbortController();
  /** Transactions of the log that are in the collection, and the place up to which that is all of them. */
  head = 0;
  passed = 0n;
  reads = 0;
  openReaders = 0;
  fault: Fault = (rows) => rows;
  /** Chance a step that the next transaction arrives. */
  pace = 0.04;
  readonly #base = new Map<SimulatedTable, readonly Row[]>();

  constructor(seed: number, rows = 12) {
    this.scheduler = new Scheduler(seed);
    const { random } = this.scheduler;
    this.database = new SimulatedDatabase(random);
    addTables(this.database);
    fill(this.database, random, rows);
    const snapshot = this.database.snapshot();
    for (const table of this.database.tables) {
      this.#base.set(
        table,
        this.database.rows(table, snapshot).map(({ row }) => row),
      );
    }
    const process = new SimulatedProcess(this.scheduler);
    this.session = new SimulatedSession(this.database, {
      process,
      random,
      pace: { read: 6, stream: 0 },
      noted: () => 0n,
    });
  }

  table(name: string): SimulatedTable {
    return this.database.tables.find((table) => table.name === name) as SimulatedTable;
  }

  /** Runs `work` with the log flowing into the collection, beside a workload. */
  async play<T>(work: () => Promise<T>, options?: Partial<WorkloadOptions>): Promise<T> {
    const restore = this.scheduler.install();
    const workload = new Workload(this.database, this.scheduler, { ...LIVELY, ...options });
    let outcome: { readonly value: T } | { readonly thrown: unknown } | undefined;
    let failed: Error | undefined;
    const fails = (thrown: unknown): void => {
      failed ??= thrown as Error;
    };
    try {
      void work().then(
        (value) => (outcome = { value }),
        (thrown: unknown) => (outcome = { thrown }),
      );
      if (options !== undefined) void workload.run().catch(fails);
      void this.#follow(() => outcome !== undefined).catch(fails);
      await this.scheduler.run(
        () => outcome !== undefined || failed !== undefined,
        STEP_LIMIT,
        () => 'verification',
      );
    } finally {
      restore();
    }
    if (failed !== undefined) throw failed;
    assert(outcome !== undefined, 'it came to an end');
    if ('thrown' in outcome) throw outcome.thrown as Error;
    assert(this.disk.blobs.size === 0 && this.memory.takenBytes === 0, 'nothing is left behind');
    assert(this.openReaders === 0, 'readers are given back');
    return outcome.value;
  }

  verify(name: string, changes: Partial<SourceVerification> = {}): Promise<Verified> {
    const table = this.table(name);
    return verifySource({
      subject: 'shop/docs',
      session: this.session,
      resource: name,
      schema: { ...schemaOf(table), version: 1 },
      level: 'full',
      pace: {
        reader: async () => {
          this.openReaders += 1;
          return () => {
            this.openReaders -= 1;
          };
        },
        pass: async () => this.scheduler.turn(),
        take: async () => this.scheduler.turn(),
        chunkBytes: () => Infinity,
      },
      reached: async (position) => {
        while (this.passed < position) await this.scheduler.turn();
      },
      head: () => this.head,
      seesFrom: 0,
      pauses: [5, 20],
      state: (asOf, options) => this.#state(table, asOf, options),
      blobs: this.disk.open().blobs,
      scratch: 'verify/1',
      memory: this.memory,
      now: () => 7,
      signal: this.stop.signal,
      ...changes,
    });
  }

  async #follow(isOver: () => boolean): Promise<void> {
    while (!isOver()) {
      await this.scheduler.turn();
      const { log, position } = this.database;
      // Mostly behind: whoever does not wait for it misses something.
      if (this.head < log.length && this.scheduler.random.chance(this.pace)) this.head += 1;
      this.passed = this.head === log.length ? position : ((log[this.head - 1]?.commit as bigint) ?? 0n);
    }
  }

  async *#state(
    table: SimulatedTable,
    asOf: number,
    options: StateOptions,
  ): AsyncGenerator<Batch, void, undefined> {
    // As where history was trimmed: nothing is told of transactions before what must be kept.
    assert(options.sees === undefined || options.seesFrom !== undefined, 'it is said from where on');
    assert(asOf <= this.head, 'the journal has reached it');
    this.reads += 1;
    const schema = schemaOf(table);
    let rows = [...(this.#base.get(table) as readonly Row[])];
    for (const { id, changes } of this.database.log.slice(0, asOf)) {
      if (options.sees !== undefined && !options.sees(id)) continue;
      for (const change of changes) if (change.table === table) rows = applied(schema, rows, change);
    }
    rows = this.fault(rows, asOf);
    for (let at = 0; at < rows.length; at += 5) {
      await this.scheduler.turn();
      yield rowsOf({ ...schema, version: 9 }, rows.slice(at, at + 5));
    }
  }
}

const LIVELY: WorkloadOptions = {
  operations: 400,
  activity: 0.5,
  visibility: 0.3,
  tableShare: 0.03,
  truncates: true,
  rewrites: false,
  newColumns: false,
};

function applied(schema: Schema, rows: readonly Row[], { kind, row, oldRow }: LoggedChange): Row[] {
  if (kind === 'truncate') return [];
  const same = schema.key.length === 0 ? rowText : (one: Row): string => keyText(schema, one);
  const without = (gone: Row): Row[] => {
    const place = rows.findIndex((one) => same(one) === same(gone));
    return place === -1 ? [...rows] : rows.toSpliced(place, 1);
  };
  if (kind === 'delete') return without(row);
  if (kind === 'insert' && schema.key.length === 0) return [...rows, row];
  return [...without(kind === 'move' ? oldRow : row), row];
}

function rowText(row: Row): string {
  return JSON.stringify(row.map((value) => (typeof value === 'bigint' ? `${value}n` : value)));
}

const TABLES = ['public.docs', 'public.lines', 'public.log', 'public.pairs'] as const;
const SEEDS = Array.from({ length: 60 }, (_, seed) => seed);

describe('a source and its collection', () => {
  test.each(TABLES)('%s: never differ while the collection only lags behind', async (name) => {
    const verdicts = new Map<string, number>();
    for (const seed of SEEDS) {
      const stage = new Stage(seed);
      const { report } = await stage.play(() => stage.verify(name), {});
      verdicts.set(report.verdict, (verdicts.get(report.verdict) ?? 0) + 1);
      expect(['equal', 'equal after catch-up'], `seed ${seed}: ${JSON.stringify(report)}`).toContain(
        report.verdict,
      );
      expect([report.onlyLeft, report.onlyRight, report.different, report.sampleKeys]).toEqual([0, 0, 0, []]);
    }
    // The hard case must have been met: rows that changed while they were compared. Without a key all is as of one snapshot.
    const isKeyed = schemaOf(new Stage(1).table(name)).key.length > 0;
    expect((verdicts.get('equal after catch-up') ?? 0) > 10).toBe(isKeyed);
  });

  test.each<readonly [string, Row, readonly (readonly string[])[]]>([
    ['public.docs', [5000, 1n, 'a', null], [['5000']]],
    ['public.lines', ['a', 'ghost', null, 7], [['7', 'ghost']]],
    ['public.log', [5000n, 'a'], []],
    ['public.pairs', [5000, 'a'], []],
  ])('%s: a row that was deleted long ago is found amid all changes', async (name, ghost, sampleKeys) => {
    for (const seed of SEEDS.slice(0, 20)) {
      const stage = new Stage(seed);
      stage.fault = (rows) => [...rows, ghost];
      const { report } = await stage.play(() => stage.verify(name), {});
      const expected = { verdict: 'divergent', onlyLeft: 0, onlyRight: 1, different: 0, sampleKeys };
      expect(report, `seed ${seed}`).toMatchObject(expected);
    }
  });

  test('a row that changes all the time is still compared exactly', async () => {
    for (const seed of SEEDS.slice(0, 20)) {
      const stage = new Stage(seed, 0);
      stage.pace = 1;
      const table = stage.table('public.docs');
      const write = (row: Row): void => {
        const transaction = stage.database.begin();
        const [version] = stage.database.writable(transaction, table);
        if (version === undefined) stage.database.insert(transaction, table, row);
        else stage.database.update(transaction, table, version, row);
        stage.database.commit(transaction);
        stage.database.end(transaction);
      };
      let count = 0n;
      write([1, 0n, 'a', null]);
      let isOver = false;
      const hammer = async (): Promise<void> => {
        while (!isOver) {
          await stage.scheduler.turn();
          write([1, (count += 1n), 'a', null]);
        }
      };
      const verify = async (): Promise<Verified> => {
        void hammer();
        return stage.verify('public.docs').finally(() => (isOver = true));
      };
      const isWrong = seed % 2 === 1;
      if (isWrong) stage.fault = (rows) => rows.map((row) => row.with(3, 'wrong'));
      const { report } = await stage.play(verify);
      expect(report.verdict).toBe(isWrong ? 'divergent' : 'equal after catch-up');
      expect(report.byColumn).toEqual(isWrong ? { extra: 1 } : {});
    }
  });

  test('that are at rest are equal at once, and every fault is found with its columns', async () => {
    const faults: readonly [string, Fault, object][] = [
      ['none', (rows) => rows, { verdict: 'equal', different: 0 }],
      ['a lost row', (rows) => rows.slice(1), { verdict: 'divergent', onlyLeft: 1 }],
      [
        'an emptied column',
        (rows) => rows.map((row) => row.with(1, 77n)),
        { verdict: 'divergent', byColumn: { n: 3 } },
      ],
      ['all lost', () => [], { verdict: 'divergent', onlyLeft: 3 }],
    ];
    for (const [name, fault, expected] of faults) {
      const stage = new Stage(1, 0);
      insert(stage, [
        [1, 1n, 'a', null],
        [2, null, '', 'x'],
        [3, 3n, null, null],
      ]);
      stage.fault = fault;
      const { report } = await stage.play(() => stage.verify('public.docs'));
      expect(report, name).toMatchObject(expected);
      expect(report.rows.left, name).toBe(3);
      const equal = report.verdict === 'equal';
      expect(report.leaves.differing === 0, name).toBe(equal);
      expect(stage.reads, name).toBe(equal ? 1 : 4);
    }
  });

  test('what was late arrives: a difference that goes away is settled, not a fault', async () => {
    const stage = new Stage(1, 0);
    insert(stage, [
      [1, 1n, 'a', null],
      [2, 2n, 'b', null],
    ]);
    stage.fault = (rows) => (stage.reads < 3 ? rows.slice(1) : rows);
    const { report } = await stage.play(() => stage.verify('public.docs'));
    expect(report).toMatchObject({
      verdict: 'equal after catch-up',
      leaves: { total: 2, equal: 1, settled: 1, differing: 0 },
    });
  });

  test('many keys share readings of the collection until few are left', async () => {
    const stage = new Stage(1, 0);
    insert(
      stage,
      Array.from({ length: 9 }, (_, id): Row => [id, 1n, 'a', null]),
    );
    stage.fault = (rows) => (stage.reads === 1 ? [] : rows.slice(2));
    const { report, differing } = await stage.play(() => stage.verify('public.docs', { lookUpKeys: 3 }));
    expect(report).toMatchObject({ verdict: 'divergent', onlyLeft: 2 });
    expect(new Set(differing.keys.flat())).toEqual(new Set(['0', '1']));
    // The scan's, one for three look-ups, and two more for the keys that are left.
    expect(stage.reads).toBe(4);
  });

  test('only what is in scope is compared, and rows that left it are not missed', async () => {
    const stage = new Stage(1, 0);
    insert(stage, [
      [1, 1n, 'a', null],
      [2, 2n, 'b', null],
      [3, 3n, 'c', null],
    ]);
    const { session } = stage;
    // A source that serves the scope; this one's scan does not know any.
    const scoped = {
      plan: session.plan.bind(session),
      next: session.next.bind(session),
      scan: async (...scan: Parameters<SimulatedSession['scan']>) => {
        const chunk = await session.scan(...scan);
        const batches = (async function* (): AsyncGenerator<Batch, void, undefined> {
          for await (const batch of chunk.batches) yield rowsWithId(batch, (id) => id < 3);
        })();
        return {
          ...chunk,
          batches,
          finish: () => chunk.finish(),
          [Symbol.asyncDispose]: () => chunk[Symbol.asyncDispose](),
        };
      },
      scanKeys: session.scanKeys.bind(session),
      nudge: session.nudge.bind(session),
    };
    const scope = { kind: 'key', from: null, to: ['3'] } as const;
    const holds = (below: number) => (batch: Batch) => (row: number) => idOf(batch, row) < below;
    const exact = await stage.play(() =>
      stage.verify('public.docs', { session: scoped, scope: { scope, holds: holds(3) } }),
    );
    expect(exact.report).toMatchObject({ verdict: 'equal', rows: { left: 2, right: 2 } });
    const generous = await stage.play(() =>
      stage.verify('public.docs', { session: scoped, scope: { scope, holds: holds(9) } }),
    );
    expect(generous.report.verdict).toBe('equal after catch-up');
  });

  test('a table that is rewritten while it is read is read anew; without end, nothing can be said', async () => {
    const stage = new Stage(3);
    const { report } = await stage.play(() => stage.verify('public.docs'), {
      rewrites: true,
      truncates: false,
      tableShare: 0.2,
    });
    expect(['equal', 'equal after catch-up', 'inconclusive']).toContain(report.verdict);
    const restless = new Stage(1, 0);
    const plan = restless.session.plan.bind(restless.session);
    let plans = 0;
    restless.session.plan = async (resource) => {
      plans += 1;
      return { ...(await plan(resource)), fingerprint: 'old' };
    };
    const never = await restless.play(() => restless.verify('public.docs'));
    expect(never.report.verdict).toBe('inconclusive');
    expect(plans).toBe(3);
  });

  test('columns that the collection does not have yet are named, and those that are gone end it', async () => {
    const stage = new Stage(1, 0);
    insert(stage, [[1, 1n, 'a', null]]);
    const table = stage.table('public.docs');
    const schema = { ...schemaOf(table), version: 1 };
    const fewer = { ...schema, columns: schema.columns.slice(0, 3) };
    const news = await stage.play(() => stage.verify('public.docs', { schema: fewer }));
    expect(news.report).toMatchObject({
      verdict: 'inconclusive',
      skipped: ['column extra: it is new at the source'],
    });
    const more = {
      ...schema,
      columns: [
        ...schema.columns,
        { name: 'old', type: { kind: 'text' as const }, nullable: true, sourceType: 'text', sourceId: 9 },
      ],
    };
    const gone = await stage.play(() => stage.verify('public.docs', { schema: more }));
    expect(gone.report).toMatchObject({
      verdict: 'inconclusive',
      skipped: ['all rows: column old is gone while it was compared'],
    });
  });

  test('a connection that is lost is an error to try again; an abort ends it', async () => {
    const stage = new Stage(1);
    stage.session.lose();
    const { report } = await stage.play(() => stage.verify('public.docs'));
    expect(report).toMatchObject({ verdict: 'error', problem: { kind: 'retry' } });
    const aborted = new Stage(1);
    aborted.stop.abort(new Error('cancelled'));
    await expect(aborted.play(() => aborted.verify('public.docs'))).rejects.toThrow('cancelled');
  });
});

function insert(stage: Stage, rows: readonly Row[]): void {
  const transaction = stage.database.begin();
  for (const row of rows) stage.database.insert(transaction, stage.table('public.docs'), row);
  stage.database.commit(transaction);
  stage.database.end(transaction);
}

function idOf(batch: Batch, row: number): number {
  const { values } = batch.columns[0] as Batch['columns'][number];
  return new DataView(values.buffer, values.byteOffset, values.byteLength).getInt32(row * 4, true);
}

function rowsWithId(batch: Batch, isWanted: (id: number) => boolean): Batch {
  return selectRows(
    batch,
    rowsWhere(batch.rows, (row) => isWanted(idOf(batch, row))),
  );
}
