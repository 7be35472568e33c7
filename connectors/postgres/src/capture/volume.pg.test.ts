import type { CaptureSession, Resume, StreamSlice } from '@brimful/connector';
import { STREAM_BUFFER_BYTES } from '@brimful/connector';
import { batchBytes } from '@brimful/model';
import { createTestDatabase, sharedPostgres } from '@brimful/testbed/vitest';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { TestSource } from './testing/harness.ts';

const MANY_TABLES = 1_000;
const JOIN_LIMIT_MILLISECONDS = 15_000;

describe.for(sharedPostgres())('Postgres $majorVersion', (server) => {
  test('a transaction larger than the buffer is cut into slices, and goes on behind any cut after a restart', async () => {
    await using database = await createTestDatabase(server);
    await using source = await TestSource.connect(database.url);
    await source.client.query(
      'CREATE TABLE big (id int PRIMARY KEY, v text); CREATE TABLE small (id int PRIMARY KEY)',
    );
    const rows = 40_000;
    const all = ['public.big', 'public.small'];
    const first = await source.open();
    await first.session.join(all);
    await source.client.query(`
      BEGIN; INSERT INTO small VALUES (1);
      INSERT INTO big SELECT i, repeat(md5(i::text), 32) FROM generate_series(1, ${rows}) i;
      INSERT INTO small VALUES (2); COMMIT; INSERT INTO small VALUES (3)`);
    // A consumer that takes some slices, is slow, and then is gone.
    const taken = await takeSlices(first.session, new Map(), 4, 200);
    await first[Symbol.asyncDispose]();
    expect(taken.largest).toBeLessThan(STREAM_BUFFER_BYTES * 1.5);
    expect(taken.resume.get('public.big')?.cut?.skip).toBe(taken.ids.get('public.big')?.length);

    await using second = await source.open();
    await second.session.join(all);
    const resume = new Map(
      all.map((one): [string, Resume] => [one, taken.resume.get(one) ?? { position: '0' }]),
    );
    const rest = await takeSlices(second.session, resume, Number.POSITIVE_INFINITY, 0, () => '3');
    for (const [table, expected] of [
      ['public.big', Array.from({ length: rows }, (_, index) => index + 1)],
      ['public.small', [1, 2, 3]],
    ] as const) {
      const ids = [...(taken.ids.get(table) ?? []), ...(rest.ids.get(table) ?? [])];
      expect(ids).toEqual(expected);
    }
  });

  // Invariant 9
  test('while nobody takes slices, memory stays and the server hears from us', async () => {
    await using database = await createTestDatabase(server);
    await using source = await TestSource.connect(database.url);
    // It gives up whoever says nothing for two seconds.
    await source.client.query(`ALTER DATABASE ${database.name} SET wal_sender_timeout = '2s'`);
    await source.client.query('CREATE TABLE t (id int PRIMARY KEY, v text)');
    await using session = await source.open();
    await session.session.join(['public.t']);
    const stop = new AbortController();
    const stream = session.session.stream(new Map(), stop.signal)[Symbol.asyncIterator]();
    const waiting = stream.next();
    await source.client.query('INSERT INTO t VALUES (0)');
    let rows = countRows((await waiting).value);
    const before = process.memoryUsage.rss();
    await source.client.query(
      `INSERT INTO t SELECT i, repeat(md5(i::text), 320) FROM generate_series(1, 20000) i`,
    );
    const written = 20_000 * 32 * 320;
    await sleep(5_000);
    const grown = process.memoryUsage.rss() - before;
    expect(written).toBeGreaterThan(STREAM_BUFFER_BYTES * 10);
    expect(grown).toBeLessThan(STREAM_BUFFER_BYTES * 6);
    while (rows < 20_001) rows += countRows((await stream.next()).value);
    stop.abort();
    expect(rows).toBe(20_001);
  });

  test(`${MANY_TABLES} tables join, stream and are found again quickly`, async () => {
    await using database = await createTestDatabase(server);
    await using source = await TestSource.connect(database.url);
    for (let from = 0; from < MANY_TABLES; from += 250) {
      await source.client.query(
        `DO $$ BEGIN FOR i IN ${from}..${from + 249} LOOP EXECUTE format('CREATE TABLE t%s (id int PRIMARY KEY, v text)', i); END LOOP; END $$`,
      );
    }
    await using session = await source.open();
    const found = await session.session.discover();
    expect(found).toHaveLength(MANY_TABLES);
    const started = performance.now();
    const joined = await session.session.join(found.map((resource) => resource.name));
    expect(joined).toHaveLength(MANY_TABLES);
    expect(performance.now() - started).toBeLessThan(JOIN_LIMIT_MILLISECONDS);
    session.stream(new Map());
    await source.client.query(
      `DO $$ BEGIN FOR i IN 0..${MANY_TABLES - 1} LOOP EXECUTE format('INSERT INTO t%s VALUES (1)', i); END LOOP; END $$`,
    );
    await session.caughtUp();
    expect(session.parts.filter((part) => part.kind === 'rows')).toHaveLength(MANY_TABLES);
  });
});

function countRows(slice: StreamSlice): number {
  return slice.parts.reduce((sum, part) => sum + (part.kind === 'rows' ? part.batch.rows : 0), 0);
}

interface Taken {
  readonly ids: ReadonlyMap<string, number[]>;
  readonly resume: ReadonlyMap<string, Resume>;
  readonly largest: number;
}

async function takeSlices(
  session: CaptureSession,
  resume: ReadonlyMap<string, Resume>,
  slices: number,
  pauseMilliseconds: number,
  last: () => string | undefined = () => undefined,
): Promise<Taken> {
  const stop = new AbortController();
  const ids = new Map<string, number[]>();
  const places = new Map(resume);
  let largest = 0;
  let count = 0;
  for await (const slice of session.stream(resume, stop.signal)) {
    let bytes = 0;
    for (const part of slice.parts) {
      if (part.kind !== 'rows') continue;
      bytes += batchBytes(part.batch);
      places.set(part.resource, part.resume);
      const list = ids.get(part.resource) ?? [];
      ids.set(part.resource, list);
      const values = new DataView(part.batch.columns[0]?.values.slice().buffer as ArrayBuffer);
      for (let row = 0; row < part.batch.rows; row += 1) list.push(values.getInt32(row * 4, true));
    }
    largest = Math.max(largest, bytes);
    if (bytes > 0) count += 1;
    if (count >= slices || ids.get('public.small')?.includes(Number(last())) === true) stop.abort();
    await sleep(pauseMilliseconds);
  }
  return { ids, resume: places, largest };
}
