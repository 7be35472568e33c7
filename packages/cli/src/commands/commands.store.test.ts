import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Destination, Resource } from '@brimful/connector';
import type { RuntimeStatus } from '@brimful/model';
import { Problem, STATUS_KEY } from '@brimful/model';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openStore } from '../data-directory.ts';
import { connectorRegistry } from '../connectors.ts';
import { fakeConnectors } from '../testing/fake-connectors.ts';
import { captureBinding, captureStatus, runtimeStatus, VALUE_PROBLEM } from '../testing/statuses.ts';
import type { TestContext } from '../testing/test-context.ts';
import { testContext } from '../testing/test-context.ts';
import { check } from './check.ts';
import { discover } from './discover.ts';
import { down } from './down.ts';
import { init } from './init.ts';
import { query } from './query.ts';
import { status } from './status.ts';

const CONFIG = `
captures:
  shop/fake:
    connector: fake
    config: { url: "fake://me:s3cret@db/shop" }
    autoDiscover: { schemas: [public] }
    bindings: [{ resource: sales.lines, target: shop/lines }]
materializations:
  shop/sink:
    connector: sink
    config: { path: out.db }
    source: shop/fake
`;

let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'brimful-cli-'));
  writeFileSync(join(directory, 'brimful.yaml'), CONFIG);
});

afterEach(() => rmSync(directory, { recursive: true, force: true }));

function resource(name: string, key: readonly string[], problem?: Problem): Resource {
  return {
    name,
    schema: { version: 1, columns: [], key },
    estimate: { rows: 1_234_567, bytes: 45e6, quality: 'statistics' },
    suggestedTarget: name.replace(/^public\./, ''),
    ...(problem === undefined ? {} : { problem: problem.toJSON() }),
  };
}

function context(resources: readonly Resource[] = [], json = false): TestContext {
  return testContext(directory, fakeConnectors({ resources }), { json });
}

const KEYLESS = new Problem('BRM-PG-KEYLESS', 'public.events has no key: updates would fail.', {
  kind: 'retry',
  remedy: 'ALTER TABLE public.events REPLICA IDENTITY FULL;',
});

describe('discover', () => {
  const resources = [
    resource('public.orders', ['id']),
    resource('public.events', [], KEYLESS),
    resource('audit.log', ['id']),
  ];

  test('shows tables with key, rows, size, the collection, and problems with their remedy', async () => {
    const shown = context(resources);
    expect(await discover(shown, undefined)).toBe(0);
    expect(shown.out()).toMatchInlineSnapshot(`
      "shop/fake: 3 tables, about 135 MB
      table          collection      key        rows      size  columns
      public.orders  shop/orders     id      ~1.23 M  ~45.0 MB  0
      public.events  shop/events     (none)  ~1.23 M  ~45.0 MB  0
      audit.log      (not captured)  id      ~1.23 M  ~45.0 MB  0
      ! public.events: public.events has no key: updates would fail. [BRM-PG-KEYLESS]
          ALTER TABLE public.events REPLICA IDENTITY FULL;

      "
    `);
  });

  test('as JSON it is one document', async () => {
    const shown = context(resources, true);
    await discover(shown, 'shop/fake');
    const [capture] = JSON.parse(shown.out()) as [{ resources: { collection: string | null }[] }];
    expect(capture.resources.map((one) => one.collection)).toEqual(['shop/orders', 'shop/events', null]);
  });

  test('of a capture that is not there suggests the one that was meant', async () => {
    await expect(discover(context(resources), 'shop/fkae')).rejects.toMatchObject({
      code: 'BRM-USAGE-NAME',
      remedy: 'Did you mean "shop/fake"?',
    });
  });
});

describe('check', () => {
  test('names a bound table that is not there, with the one that was meant and the line', async () => {
    const shown = context([resource('public.orders', ['id']), resource('sales.line', ['id'])]);
    expect(await check(shown)).toBe(1);
    expect(shown.out()).toContain('✗ binding: There is no table sales.lines (brimful.yaml:7:16).');
    expect(shown.out()).toContain('Did you mean "sales.line"?');
  });

  test('two tables that would fill one collection are an error', async () => {
    const twin = { ...resource('public.Orders', ['id']), suggestedTarget: 'orders' };
    const shown = context([resource('public.orders', ['id']), twin, resource('sales.lines', ['id'])]);
    expect(await check(shown)).toBe(1);
    expect(shown.out()).toContain(
      'public.Orders and public.orders would both fill the collection shop/orders.',
    );
  });

  test('an unreachable source is said in its own words, without the password, and the rest is still checked', async () => {
    const unreachable = new Problem('BRM-PG-CONNECT', 'Cannot reach fake://me:s3cret@db/shop.', {
      kind: 'retry',
      remedy: 'Start it.',
    });
    const shown = testContext(directory, fakeConnectors({ unreachable }));
    expect(await check(shown)).toBe(1);
    expect(shown.out()).toContain('Cannot reach fake://me:***@db/shop. [BRM-PG-CONNECT]');
    expect(shown.out()).toContain('✓ space:');
    expect(shown.out()).not.toContain('s3cret');
  });

  test('all well is 0 and says how to go on', async () => {
    const shown = context([resource('public.orders', ['id']), resource('sales.lines', ['id'])]);
    expect(await check(shown)).toBe(0);
    expect(shown.out()).toContain('Ready. Start it with: brimful up');
  });
});

describe('status', () => {
  async function publish(value: RuntimeStatus): Promise<void> {
    await using store = await openStore(join(directory, 'data'));
    await store.registry.put(STATUS_KEY, value);
  }

  test('before anything ran says so', async () => {
    await expect(status(context())).rejects.toMatchObject({ code: 'BRM-STATUS-NONE' });
  });

  test('of a living process shows its tables', async () => {
    await publish(
      runtimeStatus({ at: Date.now(), captures: [captureStatus([captureBinding('orders', 'streaming')])] }),
    );
    const shown = context();
    expect(await status(shown)).toBe(0);
    expect(shown.out()).toContain(`process ${process.pid}`);
    expect(shown.out()).toContain('public.orders');
  });

  test('of a process that is gone says that this is the last known state, and 1 when a table failed', async () => {
    const failed = captureBinding('orders', 'failed', { problem: VALUE_PROBLEM });
    await publish(runtimeStatus({ pid: 2 ** 22 + 1, captures: [captureStatus([failed])] }));
    const shown = context();
    expect(await status(shown)).toBe(1);
    expect(shown.out()).toMatch(/^Not running\. This is the state of/);
    expect(shown.out()).toContain(VALUE_PROBLEM.message.slice(0, 40));
  });

  test('works beside a process that writes, and as JSON', async () => {
    await using store = await openStore(join(directory, 'data'));
    await store.registry.put(STATUS_KEY, runtimeStatus({ at: Date.now() }));
    const shown = context([], true);
    expect(await status(shown)).toBe(0);
    expect(JSON.parse(shown.out())).toMatchObject({
      running: true,
      pid: process.pid,
      disk: { paused: false },
    });
  });
});

describe('down', () => {
  const none = { drop: false, dropTables: false, yes: false };

  test('without --drop explains and changes nothing', async () => {
    mkdirSync(join(directory, 'data'));
    const shown = context();
    expect(await down(shown, none)).toBe(0);
    expect(shown.out()).toContain('Nothing was changed.');
    expect(shown.out()).toContain('remove the slot and the publications of capture shop/fake');
    expect(existsSync(join(directory, 'data'))).toBe(true);
  });

  test('--drop without a terminal wants --yes', async () => {
    await expect(down(context(), { ...none, drop: true })).rejects.toMatchObject({
      code: 'BRM-USAGE-CONFIRM',
    });
  });

  test('--drop --yes removes the data directory', async () => {
    await using _ = await openStore(join(directory, 'data')).then(async (store) => {
      await store[Symbol.asyncDispose]();
      return store;
    });
    expect(await down(context(), { ...none, drop: true, yes: true })).toBe(0);
    expect(existsSync(join(directory, 'data'))).toBe(false);
  });

  test('keeps the data directory when the source cannot be reached, so that it can be done again', async () => {
    const store = await openStore(join(directory, 'data'));
    await store[Symbol.asyncDispose]();
    const unreachable = new Problem('BRM-PG-CONNECT', 'Cannot reach it.', { kind: 'retry' });
    const shown = testContext(directory, fakeConnectors({ unreachable }));
    await expect(down(shown, { ...none, drop: true, yes: true })).rejects.toBe(unreachable);
    expect(existsSync(join(directory, 'data'))).toBe(true);
  });

  test('refuses while something runs on the data directory', async () => {
    await using _store = await openStore(join(directory, 'data'));
    await expect(down(context(), { ...none, drop: true, yes: true })).rejects.toMatchObject({
      code: 'BRM-STORE-LOCKED',
    });
  });
});

test('down --drop-tables drops every life of every table, those of earlier configurations too', async () => {
  {
    await using store = await openStore(join(directory, 'data'));
    const edition = (generation: number): object => ({ generation, collectionGeneration: generation });
    const orders = { current: edition(3), next: null, previous: edition(2), latest: 3 };
    await store.registry.put('tables/shop/sink/orders', orders);
    await store.registry.put('tables/shop/other/orders', orders);
  }
  const dropped: unknown[] = [];
  const destination = {
    drop: async (id: unknown) => void dropped.push(id),
    [Symbol.asyncDispose]: async () => undefined,
  } as unknown as Destination;
  const shown = testContext(directory, fakeConnectors({ destination }));
  expect(await down(shown, { drop: true, dropTables: true, yes: true })).toBe(0);
  expect(dropped).toEqual(
    [3, 2, 1].map((generation) => ({ materialization: 'shop/sink', table: 'orders', generation })),
  );
});

describe('query', () => {
  test('prints a table, JSON lines or CSV; null is told from empty', async () => {
    const table = context();
    await query(table, 'shop/sink', 'SELECT 1', { csv: false });
    expect(table.out()).toBe('n\n1\n∅\n(2 rows)\n');
    const json = context([], true);
    await query(json, 'shop/sink', 'SELECT 1', { csv: false });
    expect(json.out()).toBe('{"n":"1"}\n{"n":null}\n');
    const csv = context();
    await query(csv, 'shop/sink', 'SELECT 1', { csv: true });
    expect(csv.out()).toBe('n\r\n1\r\n\r\n');
  });
});

describe('init', () => {
  test('writes a configuration with a schema for editors, and never over an existing one', async () => {
    const fresh = mkdtempSync(join(tmpdir(), 'brimful-init-'));
    try {
      const shown = testContext(fresh, fakeConnectors());
      expect(await init(shown)).toBe(0);
      const text = readFileSync(join(fresh, 'brimful.yaml'), 'utf8');
      expect(text).toMatch(/^# yaml-language-server: \$schema=\.\/brimful\.schema\.json\n/);
      const schema = JSON.parse(readFileSync(join(fresh, 'brimful.schema.json'), 'utf8')) as {
        properties: { captures: { additionalProperties: { allOf: unknown[] } } };
      };
      const [rule] = schema.properties.captures.additionalProperties.allOf;
      expect(rule).toHaveProperty('if.properties.connector.const', 'fake');
      expect(rule).toHaveProperty('then.properties.config.properties.url.description', 'Where it is.');
      await expect(init(shown)).rejects.toMatchObject({ code: 'BRM-USAGE-EXISTS' });
      expect(readFileSync(join(fresh, 'brimful.yaml'), 'utf8')).toBe(text);
    } finally {
      rmSync(fresh, { recursive: true, force: true });
    }
  });

  test('without sources it is valid as it is, for the pages to fill', async () => {
    const fresh = mkdtempSync(join(tmpdir(), 'brimful-init-'));
    try {
      const shown = testContext(fresh, fakeConnectors());
      expect(await init(shown, { empty: true })).toBe(0);
      expect(await discover(shown, undefined)).toBe(0);
    } finally {
      rmSync(fresh, { recursive: true, force: true });
    }
  });

  test('what it writes is itself valid once the variables are set', async () => {
    const fresh = mkdtempSync(join(tmpdir(), 'brimful-init-'));
    try {
      // Stand-ins under the names that the example uses.
      const fakes = fakeConnectors({ resources: [] });
      const connectors = connectorRegistry({
        postgres: () => fakes.load('fake'),
        duckdb: () => fakes.load('sink'),
      });
      await init(testContext(fresh, connectors));
      const shown = testContext(fresh, connectors, { environment: { SOURCE_DATABASE_URL: 'x' } });
      expect(await discover(shown, undefined)).toBe(0);
    } finally {
      rmSync(fresh, { recursive: true, force: true });
    }
  });
});
