import { setTimeout as sleep } from 'node:timers/promises';

import type { Destination } from '@brimful/connector';
import { Problem } from '@brimful/model';
import { Client } from 'pg';
import { describe, expect, test } from 'vitest';
import { startFaultProxy } from '@brimful/testbed';
import { createTestDatabase, sharedPostgres } from '@brimful/testbed/vitest';

import { applyTo, openDestination, requestOf, rowsOf, testContext } from './testing/destinations.ts';
import { batchOf, column, INT64, keysOf, schemaOf, TEXT } from './testing/rows.ts';

const SCHEMA = schemaOf([column('id', INT64), column('name', TEXT)], ['id']);
const NEVER = new AbortController().signal;

async function problemFrom(work: Promise<unknown>): Promise<Problem> {
  const outcome = await work.then(
    () => undefined,
    (error: unknown) => error,
  );
  if (outcome instanceof Problem) return outcome;
  throw new Error(`expected a problem, got ${String(outcome)}`);
}

describe.for(sharedPostgres())('Postgres $majorVersion', (server) => {
  // Invariant 3
  test('a writer that was replaced changes nothing any more', async () => {
    await using database = await createTestDatabase(server);
    await using zombie = await openDestination(database.url);
    const old = await zombie.open(requestOf('t', SCHEMA));
    await applyTo(zombie, old, [{ kind: 'load', batch: batchOf(SCHEMA, [['1', 'one']]) }], { at: 1 });
    await using destination = await openDestination(database.url);
    const table = await destination.open(requestOf('t', SCHEMA));
    expect(table.checkpoint).toEqual({ at: 1 });
    const load = { kind: 'load', batch: batchOf(SCHEMA, [['2', 'two']]) } as const;
    const problem = await problemFrom(applyTo(zombie, old, [load], { at: 2 }));
    expect(problem).toMatchObject({ code: 'BRM-PG-FENCED', kind: 'operator', at: { table: 't' } });
    await applyTo(destination, table, [load], { at: 3 });
    expect(await rowsOf(database.url, 'SELECT id FROM t ORDER BY 1')).toEqual([['1'], ['2']]);
    expect(await rowsOf(database.url, 'SELECT checkpoint FROM brimful.tables')).toEqual([['{"at": 3}']]);
    // Its connection is good for other tables.
    const other = await zombie.open(requestOf('other', SCHEMA));
    await applyTo(zombie, other, [load]);
  });

  // Invariant 3
  test('one replaced table among several keeps all of them from being written', async () => {
    await using database = await createTestDatabase(server);
    await using zombie = await openDestination(database.url);
    const tables = [await zombie.open(requestOf('a', SCHEMA)), await zombie.open(requestOf('b', SCHEMA))];
    await using destination = await openDestination(database.url);
    await destination.open(requestOf('b', SCHEMA));
    const actions = [{ kind: 'load', batch: batchOf(SCHEMA, [['2', 'two']]) }] as const;
    const works = tables.map((table) => ({ table, actions, checkpoint: {} }));
    expect((await problemFrom(zombie.apply(works, NEVER))).code).toBe('BRM-PG-FENCED');
    expect(await rowsOf(database.url, 'SELECT * FROM a UNION ALL SELECT * FROM b')).toEqual([]);
    expect(await rowsOf(database.url, 'SELECT checkpoint FROM brimful.tables')).toEqual([[null], [null]]);
  });

  test("taking over waits for a dead writer's commit and sees its checkpoint, but not for ever", async () => {
    await using database = await createTestDatabase(server);
    await using first = await openDestination(database.url);
    await first.open(requestOf('t', SCHEMA));
    const dead = new Client({ connectionString: database.url });
    await dead.connect();
    try {
      await dead.query(`BEGIN; UPDATE brimful.tables SET checkpoint = '{"at": 7}'`);
      await using hasty = await openDestination(database.url, {}, testContext(), { lockMilliseconds: 100 });
      const problem = await problemFrom(hasty.open(requestOf('t', SCHEMA)));
      expect(problem).toMatchObject({ code: 'BRM-PG-WRITER-BUSY', kind: 'retry', at: { table: 't' } });
      expect(problem.remedy).toMatch(/pg_terminate_backend\(\d+\)/);
      await using patient = await openDestination(database.url);
      const taking = patient.open(requestOf('t', SCHEMA));
      await sleep(100);
      await dead.query('COMMIT');
      expect((await taking).checkpoint).toEqual({ at: 7 });
    } finally {
      await dead.end();
    }
  });

  // Invariant 2
  test('wherever the connection breaks, rows and checkpoint stand or fall together', async () => {
    await using database = await createTestDatabase(server);
    const address = new URL(server.url);
    await using proxy = await startFaultProxy({ host: address.hostname, port: Number(address.port) });
    await using direct = await openDestination(database.url);
    const set = await direct.open(requestOf('t', SCHEMA));
    await applyTo(direct, set, [{ kind: 'index' }], 0);
    let version = 0;
    const outcomes: unknown[] = [];
    const lied: number[] = [];
    // A merge of every kind of statement, about 100 kB on the wire; each round is cut a little later.
    const merge = async (destination: Destination, next: number): Promise<void> => {
      const table = await destination.open(requestOf('t', SCHEMA));
      expect(table.checkpoint).toBe(version);
      const ids = Array.from({ length: 1500 }, (_, id) => String(id));
      const sent = applyTo(
        destination,
        table,
        [
          {
            kind: 'merge',
            steps: [
              { kind: 'delete', schema: SCHEMA, keys: keysOf(SCHEMA, [['9999']]), rows: 1, committedAt: 0n },
              {
                kind: 'upsert',
                batch: batchOf(
                  SCHEMA,
                  ids.map((id) => [id, `version ${next}`]),
                ),
                unknown: [],
              },
              { kind: 'upsert', batch: batchOf(SCHEMA, [['9998', `version ${next}`]]), unknown: [] },
            ],
          },
        ],
        next,
      );
      await sent;
    };
    for (let round = 0; round < 24; round += 1) {
      await using destination = await openDestination(proxy.url(database.url));
      proxy.slow(2_000_000);
      const cutting = sleep(4 * round).then(() => proxy.cut());
      const outcome = await merge(destination, version + 1).catch((error: unknown) => error);
      await cutting;
      proxy.slow(undefined);
      if (outcome !== undefined) outcomes.push(outcome);
      // The takeover waits out a commit that may still be under way.
      await using successor = await openDestination(database.url);
      const { checkpoint } = await successor.open(requestOf('t', SCHEMA));
      expect([version, version + 1]).toContain(checkpoint);
      if (outcome === undefined && checkpoint === version) lied.push(round);
      version = checkpoint as number;
      const expected = version === 0 ? [] : [[`version ${version}`, '1501']];
      expect(await rowsOf(database.url, 'SELECT name, count(*) FROM t GROUP BY 1')).toEqual(expected);
    }
    expect(lied).toEqual([]);
    expect(outcomes.length).toBeGreaterThan(3);
    expect(outcomes).toEqual(outcomes.map(() => expect.objectContaining({ name: 'Problem', kind: 'retry' })));
    expect(version).toBeGreaterThan(0);
  });

  test('losing the connection, and the server ending it, are worth another try', async () => {
    await using database = await createTestDatabase(server);
    await using destination = await openDestination(database.url);
    const load = { kind: 'load', batch: batchOf(SCHEMA, [['1', 'one']]) } as const;
    await applyTo(destination, await destination.open(requestOf('t', SCHEMA)), [load]);
    await rowsOf(
      database.url,
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'brimful' AND datname = current_database()",
    );
    const problems: unknown[] = [];
    // Each try meets one of the connections that were ended, should it not have been noticed yet.
    const again = async <Result>(work: () => Promise<Result>, tries = 5): Promise<Result> =>
      work().catch(async (error: unknown) => {
        problems.push(error);
        if (tries === 0) throw error;
        return again(work, tries - 1);
      });
    const table = await again(async () => destination.open(requestOf('t', SCHEMA)));
    await again(async () => applyTo(destination, table, [load]));
    expect(problems).toEqual(problems.map(() => expect.objectContaining({ kind: 'retry' })));
    expect(await rowsOf(database.url, 'SELECT count(*) FROM t')).toEqual([['2']]);
  });

  test('an abort ends the work at once, and the fence is free', async () => {
    await using database = await createTestDatabase(server);
    await using destination = await openDestination(database.url);
    const table = await destination.open(requestOf('t', SCHEMA));
    const blocker = new Client({ connectionString: database.url });
    await blocker.connect();
    try {
      await blocker.query('BEGIN; LOCK TABLE t IN ACCESS EXCLUSIVE MODE');
      const stop = new AbortController();
      const work = destination.apply(
        [{ table, actions: [{ kind: 'load', batch: batchOf(SCHEMA, [['1', 'one']]) }], checkpoint: 5 }],
        stop.signal,
      );
      await sleep(150);
      stop.abort();
      await expect(work).rejects.toMatchObject({ kind: 'retry' });
      await using next = await openDestination(database.url, {}, testContext(), { lockMilliseconds: 5_000 });
      expect((await next.open(requestOf('t', SCHEMA))).checkpoint).toBeUndefined();
    } finally {
      await blocker.end();
    }
  });
});
