import { setTimeout as sleep } from 'node:timers/promises';

import type { Destination, TableHandle } from '@brimful/connector';
import { startFaultProxy } from '@brimful/testbed';
import { createTestDatabase, sharedPostgres } from '@brimful/testbed/vitest';
import { Client } from 'pg';
import { describe, expect, test } from 'vitest';

import { applyTo, openDestination, requestOf, rowsOf, testContext } from '../testing/destinations.ts';
import { batchOf } from '../testing/rows.ts';
import { generation, NEVER, ORDERS } from './testing/generations.ts';

const OLD = [
  ['1', 'old'],
  ['2', 'old'],
] as const;
const NEW = [
  ['1', 'new'],
  ['2', 'new'],
  ['3', 'new'],
] as const;

async function connected(url: string): Promise<Client & AsyncDisposable> {
  const client = new Client({ connectionString: url });
  await client.connect();
  return Object.assign(client, { [Symbol.asyncDispose]: async () => client.end() });
}

async function upsert(destination: Destination, table: TableHandle, id: string, name: string): Promise<void> {
  const batch = batchOf(ORDERS, [[id, name]]);
  await applyTo(destination, table, [{ kind: 'merge', steps: [{ kind: 'upsert', batch, unknown: [] }] }]);
}

describe.for(sharedPostgres())('Postgres $majorVersion', (server) => {
  test('the names change places, and whoever opens the tables again finds them so', async () => {
    await using database = await createTestDatabase(server);
    await using destination = await openDestination(database.url);
    const live = await generation(destination, 1, OLD);
    const next = await generation(destination, 2, NEW);
    expect([live.place, next.place]).toEqual(['live', 'beside']);
    const swapped = await destination.swap([{ live, next }], NEVER);
    expect(swapped.attempts).toBe(1);
    expect([live.place, next.place]).toEqual(['beside', 'live']);
    expect(await rowsOf(database.url, 'SELECT * FROM orders ORDER BY id')).toEqual(NEW);
    expect(await rowsOf(database.url, 'SELECT * FROM "orders (generation 1)" ORDER BY id')).toEqual(OLD);
    // What is swapped already is left as it is.
    expect((await destination.swap([{ live, next }], NEVER)).attempts).toBe(0);
    await using again = await openDestination(database.url);
    const id = { materialization: 'test/warehouse', table: 'orders' };
    const first = await again.open(requestOf('orders', ORDERS, { id: { ...id, generation: 1 } }));
    const second = await again.open(requestOf('orders', ORDERS, { id: { ...id, generation: 2 } }));
    expect([first.place, second.place]).toEqual(['beside', 'live']);
    expect([first.checkpoint, second.checkpoint]).toEqual([{ generation: 1 }, { generation: 2 }]);
    // Undone, and what was dropped is the other one.
    await again.swap([{ live: second, next: first }], NEVER);
    await again.drop(second.request.id);
    expect(await rowsOf(database.url, 'SELECT * FROM orders ORDER BY id')).toEqual(OLD);
    expect(
      await rowsOf(
        database.url,
        "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace ORDER BY 1",
      ),
    ).toEqual([['orders'], ['orders_pkey']]);
  });

  test('writes after a swap go to the right table, over connections that knew the old names', async () => {
    await using database = await createTestDatabase(server);
    await using destination = await openDestination(database.url, { connections: 1 });
    const live = await generation(destination, 1, OLD);
    const next = await generation(destination, 2, NEW);
    for (let round = 0; round < 4; round += 1) {
      // Prepared under the present names.
      await upsert(destination, live, '7', `first ${round}`);
      await upsert(destination, next, '7', `second ${round}`);
      const pair = live.place === 'live' ? { live, next } : { live: next, next: live };
      await destination.swap([pair], NEVER);
      await upsert(destination, live, '8', `first ${round}`);
      await upsert(destination, next, '8', `second ${round}`);
      const names =
        live.place === 'live' ? ['orders', '"orders (generation 2)"'] : ['"orders (generation 1)"', 'orders'];
      const rows = async (name: string | undefined): Promise<unknown> =>
        rowsOf(database.url, `SELECT name FROM ${name} WHERE id > 6`);
      expect(await rows(names[0])).toEqual([[`first ${round}`], [`first ${round}`]]);
      expect(await rows(names[1])).toEqual([[`second ${round}`], [`second ${round}`]]);
    }
  });

  // Invariant 3
  test('a writer that was replaced swaps nothing, whichever of the two it lost', async () => {
    for (const lost of [1, 2]) {
      await using database = await createTestDatabase(server);
      await using zombie = await openDestination(database.url);
      const live = await generation(zombie, 1, OLD);
      const next = await generation(zombie, 2, NEW);
      await using destination = await openDestination(database.url);
      const id = { materialization: 'test/warehouse', table: 'orders', generation: lost };
      await destination.open(requestOf('orders', ORDERS, { id }));
      await expect(zombie.swap([{ live, next }], NEVER)).rejects.toMatchObject({ code: 'BRM-PG-FENCED' });
      expect([live.place, next.place]).toEqual(['live', 'beside']);
      expect(await rowsOf(database.url, 'SELECT count(*) FROM orders')).toEqual([['2']]);
    }
  });

  test('several tables are swapped together, with a view over both, or none is', async () => {
    await using database = await createTestDatabase(server);
    await using destination = await openDestination(database.url);
    const pairs = [];
    for (const table of ['a', 'b']) {
      const live = await generation(destination, 1, OLD, { table });
      pairs.push({ live, next: await generation(destination, 2, NEW, { table }) });
    }
    await rowsOf(
      database.url,
      'CREATE VIEW both_of AS SELECT a.id, a.name, b.name AS other FROM a JOIN b USING (id)',
    );
    await rowsOf(database.url, 'CREATE MATERIALIZED VIEW tied AS SELECT * FROM b');
    await expect(destination.swap(pairs, NEVER)).rejects.toMatchObject({ code: 'BRM-PG-SWAP-DEPENDENT' });
    expect(await rowsOf(database.url, 'SELECT DISTINCT name, other FROM both_of')).toEqual([['old', 'old']]);
    await rowsOf(database.url, 'DROP MATERIALIZED VIEW tied');
    await destination.swap(pairs, NEVER);
    expect(await rowsOf(database.url, 'SELECT DISTINCT name, other FROM both_of')).toEqual([['new', 'new']]);
  });

  test('names of 63 bytes, with quotes and letters of several bytes, come back unharmed', async () => {
    await using database = await createTestDatabase(server);
    await using destination = await openDestination(database.url);
    const start = 'Größe "of\' %s \\ '.padEnd(50, 'ä').slice(0, 38);
    const tables = ['1', '2'].map((ending) => {
      let name = start;
      while (Buffer.byteLength(name) < 62) name += 'x';
      return name + ending;
    });
    expect(tables.map((name) => Buffer.byteLength(name))).toEqual([63, 63]);
    const pairs = [];
    for (const table of tables) {
      const live = await generation(destination, 1, OLD, { table });
      const quoted = `"${table.replaceAll('"', '""')}"`;
      await rowsOf(database.url, `CREATE INDEX ON ${quoted} (name)`);
      await rowsOf(database.url, `CREATE VIEW "view ${pairs.length}" AS SELECT * FROM ${quoted}`);
      pairs.push({ live, next: await generation(destination, 2, NEW, { table }) });
    }
    const before = await rowsOf(database.url, 'SELECT tablename, indexname FROM pg_indexes ORDER BY 1, 2');
    await destination.swap(pairs, NEVER);
    expect(
      await rowsOf(database.url, 'SELECT count(*) FROM "view 0" UNION ALL SELECT count(*) FROM "view 1"'),
    ).toEqual([['3'], ['3']]);
    const after = await rowsOf(database.url, 'SELECT tablename, indexname FROM pg_indexes ORDER BY 1, 2');
    const of = (rows: (string | null)[][]): unknown =>
      rows.filter(([table]) => tables.includes(table as string));
    expect(of(after)).toEqual(of(before));
    await destination.swap(
      pairs.map(({ live, next }) => ({ live: next, next: live })),
      NEVER,
    );
    for (const { next } of pairs) await destination.drop(next.request.id);
    expect(await rowsOf(database.url, 'SELECT relation_name FROM brimful.tables ORDER BY 1')).toEqual(
      tables.map((name) => [name]),
    );
  });

  test('a table that stays held is a problem that names who holds it, and others pass meanwhile', async () => {
    await using database = await createTestDatabase(server);
    await using destination = await openDestination(database.url, {}, testContext(), {
      swapMilliseconds: 700,
    });
    const live = await generation(destination, 1, OLD);
    const next = await generation(destination, 2, NEW);
    await using holder = await connected(database.url);
    await holder.query('BEGIN; SELECT FROM orders');
    const { rows } = await holder.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
    await expect(destination.swap([{ live, next }], NEVER)).rejects.toMatchObject({
      code: 'BRM-PG-SWAP-BUSY',
      kind: 'retry',
      message: expect.stringContaining(`pid ${rows[0]?.pid}`) as string,
    });
    const stop = new AbortController();
    const context = testContext();
    let tries = 0;
    context.onReach = (point) => {
      if (point === 'postgres.swap.send') tries += 1;
    };
    await using patient = await openDestination(database.url, {}, context);
    const pair = {
      live: await patient.open(live.request),
      next: await patient.open(next.request),
    };
    const swapping = patient.swap([pair], stop.signal);
    while (tries < 3) await sleep(10);
    stop.abort();
    await expect(swapping).rejects.toMatchObject({
      code: 'BRM-PG-SWAP-BUSY',
      message: expect.stringContaining(`pid ${rows[0]?.pid}`) as string,
    });
    expect(pair.live.place).toBe('live');
    await holder.query('COMMIT');
    await patient.swap([pair], NEVER);
    expect(pair.next.place).toBe('live');
  });

  test('whoever holds the table beside, as autovacuum does after a load, is waited for at no cost to readers', async () => {
    await using database = await createTestDatabase(server);
    await using destination = await openDestination(database.url);
    const live = await generation(destination, 1, OLD);
    const next = await generation(destination, 2, NEW);
    await using holder = await connected(database.url);
    await using reader = await connected(database.url);
    await holder.query('BEGIN; LOCK TABLE "orders (generation 2)" IN SHARE UPDATE EXCLUSIVE MODE');
    const swapping = destination.swap([{ live, next }], NEVER);
    await sleep(400);
    await reader.query("SET statement_timeout = '300ms'");
    for (let read = 0; read < 20; read += 1) await reader.query('SELECT FROM orders');
    await holder.query('COMMIT');
    const { attempts, longestWaitMilliseconds } = await swapping;
    expect(attempts).toBe(1);
    expect(longestWaitMilliseconds).toBeLessThan(300);
  });

  test('what changes between the look and the locks is carried too', async () => {
    await using database = await createTestDatabase(server);
    const context = testContext();
    await using destination = await openDestination(database.url, {}, context);
    const live = await generation(destination, 1, OLD);
    const next = await generation(destination, 2, NEW);
    await using holder = await connected(database.url);
    await rowsOf(database.url, 'CREATE ROLE reader_of_swaps').catch(() => undefined);
    await holder.query('BEGIN; SELECT FROM orders');
    let tries = 0;
    context.onReach = (point) => {
      if (point === 'postgres.swap.send') tries += 1;
    };
    const swapping = destination.swap([{ live, next }], NEVER);
    while (tries < 2) await sleep(10);
    await rowsOf(database.url, 'CREATE VIEW late AS SELECT * FROM orders');
    await rowsOf(database.url, 'GRANT SELECT ON orders TO reader_of_swaps');
    await holder.query('COMMIT');
    await swapping;
    expect(await rowsOf(database.url, 'SELECT count(*) FROM late')).toEqual([['3']]);
    expect(
      await rowsOf(database.url, "SELECT has_table_privilege('reader_of_swaps', 'orders', 'SELECT')"),
    ).toEqual([['t']]);
  });

  // Invariant 2
  test('wherever the connection breaks, both tables are in their places', async () => {
    await using database = await createTestDatabase(server);
    const address = new URL(server.url);
    await using proxy = await startFaultProxy({ host: address.hostname, port: Number(address.port) });
    await using direct = await openDestination(database.url);
    const first = await generation(direct, 1, OLD);
    const second = await generation(direct, 2, NEW);
    await rowsOf(
      database.url,
      'CREATE INDEX orders_name ON orders (name); CREATE VIEW v AS SELECT * FROM orders',
    );
    let swaps = 0;
    let breaks = 0;
    for (let round = 0; round < 16; round += 1) {
      const context = testContext();
      await using destination = await openDestination(proxy.url(database.url), {}, context);
      const one = await destination.open(first.request);
      const two = await destination.open(second.request);
      const pair = one.place === 'live' ? { live: one, next: two } : { live: two, next: one };
      const before = pair.live.request.id.generation;
      // Somewhere in the transaction, at its end, or never.
      const point = round % 4 === 3 ? 'postgres.swap.committed' : 'postgres.swap.send';
      context.onReach = (reached) => {
        if (reached === point && round < 14) setTimeout(() => proxy.cut(), round);
      };
      const outcome = await destination.swap([pair], NEVER).catch((error: unknown) => error);
      await using again = await openDestination(database.url);
      const places = [(await again.open(first.request)).place, (await again.open(second.request)).place];
      expect(places.toSorted()).toEqual(['beside', 'live']);
      const now = places[0] === 'live' ? 1 : 2;
      const said = outcome as { attempts?: number };
      if (said.attempts === undefined) breaks += 1;
      // What was said to be swapped is.
      expect(said.attempts === undefined || now !== before).toBe(true);
      if (now !== before) swaps += 1;
      const rows = now === 1 ? OLD : NEW;
      expect(await rowsOf(database.url, 'SELECT * FROM orders ORDER BY id')).toEqual(rows);
      expect(await rowsOf(database.url, 'SELECT * FROM v ORDER BY id')).toEqual(rows);
      expect(
        await rowsOf(database.url, "SELECT indexname FROM pg_indexes WHERE tablename = 'orders' ORDER BY 1"),
      ).toEqual([['orders_name'], ['orders_pkey']]);
    }
    expect(swaps).toBeGreaterThan(2);
    expect(breaks).toBeGreaterThan(1);
  });
});

describe.for(sharedPostgres())('Postgres $majorVersion', (server) => {
  // Invariant 7
  test(
    'readers in a loop meet no error and no empty table while it is swapped back and forth',
    { timeout: 120_000 },
    async () => {
      await using database = await createTestDatabase(server);
      await using destination = await openDestination(database.url);
      const rows = Array.from({ length: 5000 }, (_, id) => [String(id), 'x'] as const);
      const first = await generation(destination, 1, rows);
      const second = await generation(destination, 2, rows);
      await rowsOf(
        database.url,
        `CREATE INDEX ON orders (name); CREATE VIEW names AS SELECT id, name FROM orders;
       CREATE VIEW over AS SELECT n.id FROM names n JOIN orders o USING (id)`,
      );
      let done = false;
      let longest = 0;
      const wrong: unknown[] = [];
      let reads = 0;
      const reading = async (sql: { readonly text: string; readonly name?: string }): Promise<void> => {
        await using client = await connected(database.url);
        while (!done) {
          const started = performance.now();
          try {
            const result = await client.query<{ count: string }>(sql);
            if (result.rows[0]?.count !== '5000') wrong.push(result.rows[0]?.count);
          } catch (error) {
            wrong.push(String(error));
          }
          reads += 1;
          longest = Math.max(longest, performance.now() - started);
          await sleep(1);
        }
      };
      const holding = async (): Promise<void> => {
        await using client = await connected(database.url);
        await sleep(200);
        await client.query('BEGIN; SELECT FROM orders LIMIT 1; SELECT pg_sleep(2); COMMIT');
      };
      const readers = [
        reading({ text: 'SELECT count(*) FROM orders' }),
        reading({ text: 'SELECT count(*) FROM orders', name: 'prepared' }),
        reading({ text: 'SELECT count(*) FROM over' }),
        reading({ text: 'SELECT count(*) FROM over', name: 'prepared' }),
        reading({ text: 'SELECT count(*) FROM orders o JOIN names n USING (id)' }),
      ];
      const held = holding();
      let attempts = 0;
      let ours = 0;
      let [live, next] = [first, second];
      for (let swap = 0; swap < 20; swap += 1) {
        const outcome = await destination.swap([{ live, next }], NEVER);
        attempts += outcome.attempts;
        ours = Math.max(ours, outcome.longestWaitMilliseconds);
        [live, next] = [next, live];
        await sleep(30);
      }
      done = true;
      await Promise.all([...readers, held]);
      console.info(
        `20 swaps in ${attempts} tries, ${reads} reads; longest read ${longest.toFixed(0)} ms, longest try ${ours.toFixed(0)} ms`,
      );
      expect(wrong).toEqual([]);
      expect(reads).toBeGreaterThan(200);
      expect(attempts).toBeGreaterThan(20);
    },
  );
});
