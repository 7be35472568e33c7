import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Resource } from '@brimful/connector';
import type { CatalogCalls } from '@brimful/control';
import { Problem } from '@brimful/model';
import type { PublicationPlan } from '@brimful/model';
import type { Store } from '@brimful/store';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { LoadedConfig } from '../config/load.ts';
import { parseConfig } from '../config/load.ts';
import { openStore } from '../data-directory.ts';
import { silentLog } from '../log.ts';
import { fakeConnectors } from '../testing/fake-connectors.ts';
import { aRun, backfillPlan } from '../testing/runs.ts';
import { Publisher } from './publisher.ts';
import type { PublisherOptions } from './publisher.ts';

const FIRST = `# the shop's own file
captures:
  shop/fake:
    connector: fake
    config: { url: "fake://me:\${SHOP_PASSWORD}@db/shop" }
    bindings:
      - { resource: public.orders, target: shop/orders }
materializations:
  shop/sink: { connector: sink, config: { path: out.db, password: hunter2 }, source: shop/fake }
`;
const MORE = FIRST.replace('materializations:', '      - { resource: public.lines }\nmaterializations:');

let directory: string;
let file: string;
let store: Store;

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'brimful-publisher-'));
  file = join(directory, 'brimful.yaml');
  writeFileSync(file, FIRST);
  store = await openStore(join(directory, 'data'));
});

afterEach(async () => {
  await store[Symbol.asyncDispose]();
  rmSync(directory, { recursive: true, force: true });
});

const connectors = fakeConnectors({
  resources: ['orders', 'lines'].map((name): Resource => ({
    name: `public.${name}`,
    suggestedTarget: name,
    schema: { version: 1, key: [], columns: [] },
    estimate: { rows: 1_200_000, bytes: 1e8, quality: 'statistics' },
  })),
});

function load(text: string): Promise<LoadedConfig> {
  const environment = { SHOP_PASSWORD: 's3cret' };
  return parseConfig(text, file, { connectors, environment, workingDirectory: directory });
}

/** As a pipe that runs what the file says has it. */
async function running(options: Partial<PublisherOptions> = {}): Promise<Publisher> {
  const config = await load(readFileSync(file, 'utf8'));
  const follow = async (): Promise<void> => undefined;
  return new Publisher({
    path: file,
    store,
    connectors,
    load,
    log: silentLog,
    now: Date.now,
    running: config,
    follow,
    ...options,
  });
}

function plan(calls: CatalogCalls, text: string): Promise<PublicationPlan> {
  return calls.plan({ text, reason: 'more', author: 'anna', unchecked: false });
}

const BY = { who: 'anna', origin: 'browser' } as const;

test('what is applied is in the file, in the history, and followed; the file keeps its mode and its comments', async () => {
  chmodSync(file, 0o640);
  const followed: string[] = [];
  const publisher = await running({
    follow: async (config) =>
      void followed.push(
        ...config.spec.captures.flatMap(({ bindings }) => bindings.map(({ target }) => target)),
      ),
  });
  expect(await publisher.begin('root')).toMatchObject({ number: 1, origin: 'file', before: null });
  const { text, revision } = await publisher.read();
  const made = await plan(
    publisher,
    text.replace('materializations:', '      - { resource: public.lines }\nmaterializations:'),
  );
  expect(made).toMatchObject({ base: revision, problems: [], blocked: [], warnings: [] });
  expect(made.changes.map(({ sentence, effect }) => `${sentence} ${effect}`)).toEqual([
    'public.lines is captured into shop/lines. Its first read begins, about 1,200,000 rows.',
    expect.stringContaining('shop/lines becomes the table lines of shop/sink.'),
  ]);
  expect(await publisher.apply(made.id, BY)).toMatchObject({
    number: 2,
    state: 'applied',
    why: 'more',
    who: 'anna',
  });
  expect(readFileSync(file, 'utf8')).toBe(MORE);
  expect(statSync(file).mode & 0o777).toBe(0o640);
  expect(followed).toEqual(['shop/orders', 'shop/lines']);
  expect(await publisher.read()).toMatchObject({ changedOnDisk: false, publication: 2 });
  // The next start finds it as it was applied.
  expect(await (await running()).begin('root')).toBeUndefined();
});

// Invariant 10
test('no secret is in a plan, in a record, or in the catalog that is shown', async () => {
  const publisher = await running();
  await publisher.begin('root');
  const made = await plan(publisher, `${MORE}\n# url: fake://me:other1@db\n`);
  await publisher.apply(made.id, BY);
  const shown = JSON.stringify([
    made,
    await publisher.read(),
    await publisher.find(2),
    await store.registry.list(''),
  ]);
  for (const secret of ['s3cret', 'hunter2', 'other1']) expect(shown).not.toContain(secret);
  expect(shown).toContain('${SHOP_PASSWORD}');
  expect(readFileSync(file, 'utf8')).toContain('password: hunter2');
});

describe('a change is refused, and nothing has changed, when', () => {
  const nothingChanged = async (publisher: Publisher): Promise<void> => {
    expect(readFileSync(file, 'utf8')).toBe(FIRST);
    expect(await publisher.read()).toMatchObject({ publication: 1, changedOnDisk: false });
  };

  test('it is not valid: with the place and the remedy', async () => {
    const publisher = await running();
    await publisher.begin('root');
    const made = await plan(publisher, FIRST.replace('connector: sink', 'connector: snik'));
    expect(made.problems).toMatchObject([{ code: 'BRM-CONFIG-CONNECTOR', line: 9, column: 27 }]);
    await expect(publisher.apply(made.id, BY)).rejects.toMatchObject({ code: 'BRM-CATALOG-BLOCKED' });
    await nothingChanged(publisher);
  });

  test('it does not start: the file is put back, and the history says why', async () => {
    const publisher = await running({
      follow: () => Promise.reject(new Problem('BRM-TEST', 'no s3cret room')),
    });
    await publisher.begin('root');
    const made = await plan(publisher, MORE);
    await expect(publisher.apply(made.id, BY)).rejects.toMatchObject({
      code: 'BRM-CATALOG-REFUSED',
      message: expect.stringContaining('no *** room'),
    });
    await nothingChanged(publisher);
    expect(await publisher.find(2)).toMatchObject({
      state: 'refused',
      problem: { code: 'BRM-CATALOG-REFUSED' },
    });
  });

  test('a run holds a table that it takes away: the run is named', async () => {
    const publisher = await running();
    await publisher.begin('root');
    const [binding] = backfillPlan().bindings;
    const held = {
      ...backfillPlan(),
      bindings:
        binding === undefined
          ? []
          : [{ ...binding, collection: 'shop/orders', resource: 'public.orders', tables: [] }],
    };
    await store.registry.put('runs/run-000007', aRun({ id: 'run-000007', state: 'running', plan: held }));
    const made = await plan(publisher, FIRST.replace('public.orders, target: shop/orders', 'public.lines'));
    expect(made.blocked.join()).toContain('run-000007 holds shop/orders');
    await expect(publisher.apply(made.id, BY)).rejects.toMatchObject({ code: 'BRM-CATALOG-BLOCKED' });
    await nothingChanged(publisher);
  });

  test('the file was edited since it was planned: with the difference, until it is planned again', async () => {
    const publisher = await running();
    await publisher.begin('root');
    const made = await plan(publisher, MORE);
    const edited = FIRST.replace("# the shop's own file", '# edited by hand');
    writeFileSync(file, edited);
    await expect(publisher.apply(made.id, BY)).rejects.toMatchObject({
      code: 'BRM-CATALOG-CHANGED',
      message: expect.stringContaining('+ # edited by hand'),
    });
    expect(readFileSync(file, 'utf8')).toBe(edited);
    const again = await publisher.plan({
      text: MORE,
      reason: '',
      author: 'anna',
      base: made.base,
      unchecked: true,
    });
    expect(again).toMatchObject({
      changedOnDisk: true,
      warnings: [expect.stringContaining('since you opened it'), expect.anything()],
    });
    await publisher.apply(again.id, BY);
    expect(readFileSync(file, 'utf8')).toBe(MORE);
  });
});

test('of two that apply at once one is done, and the other is told that the file has changed', async () => {
  const publisher = await running();
  await publisher.begin('root');
  const [one, two] = await Promise.all([plan(publisher, MORE), plan(publisher, `${FIRST}# two\n`)]);
  const results = await Promise.allSettled([publisher.apply(one.id, BY), publisher.apply(two.id, BY)]);
  expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected']);
  expect(results[1]).toMatchObject({ reason: { code: 'BRM-CATALOG-CHANGED' } });
  expect(readFileSync(file, 'utf8')).toBe(MORE);
  // Also two processes: the record decides.
  const [here, there] = [await running(), await running()];
  const plans = await Promise.all([plan(here, FIRST), plan(there, `${FIRST}# two\n`)]);
  const both = await Promise.allSettled([
    here.apply(plans[0]?.id ?? '', BY),
    there.apply(plans[1]?.id ?? '', BY),
  ]);
  expect(both.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
});

// It converges on what the file says.
test.each([
  ['catalog.entered', FIRST, 'abandoned', 1],
  ['catalog.written', MORE, 'applied', 2],
])('killed at %s, the next start settles it by the file', async (point, text, state, publication) => {
  const dying = await running({
    reach: (reached) => {
      if (reached === point) throw new Error('killed');
    },
  });
  await dying.begin('root');
  const made = await plan(dying, MORE);
  await expect(dying.apply(made.id, BY)).rejects.toThrow('killed');
  expect(readFileSync(file, 'utf8')).toBe(text);
  const next = await running();
  await next.begin('root');
  expect(await next.find(2)).toMatchObject({ state });
  expect(await next.read()).toMatchObject({ publication, changedOnDisk: false });
  expect((await next.list()).map(({ number }) => number)).toEqual([2, 1]);
});

test('a start with a file that was edited meanwhile is a publication of its own', async () => {
  await (await running()).begin('root');
  writeFileSync(file, MORE);
  const publisher = await running();
  const found = await publisher.begin('root');
  expect(found).toMatchObject({ number: 2, origin: 'file', who: 'root', why: 'started with a changed file' });
  expect(found?.changes.map(({ sentence }) => sentence)).toContain(
    'public.lines is captured into shop/lines.',
  );
});

test('a revert is a change like others, with the text there was before, and says what else it undoes', async () => {
  const publisher = await running();
  await publisher.begin('root');
  await publisher.apply((await plan(publisher, MORE)).id, BY);
  await publisher.apply((await plan(publisher, `${MORE}# later\n`)).id, BY);
  const made = await publisher.planRevert(2, { author: 'anna', reason: '', unchecked: false });
  expect(made).toMatchObject({
    reason: 'revert of publication 2',
    warnings: [expect.stringContaining('publication 3')],
  });
  expect(made.changes[0]).toMatchObject({ action: 'remove', subject: 'public.lines', consequence: 'stops' });
  await publisher.apply(made.id, BY);
  // With the secret that the record does not have.
  expect(readFileSync(file, 'utf8')).toBe(FIRST);
  await expect(
    publisher.planRevert(1, { author: 'anna', reason: '', unchecked: false }),
  ).rejects.toMatchObject({
    code: 'BRM-CATALOG-FIRST',
  });
});
