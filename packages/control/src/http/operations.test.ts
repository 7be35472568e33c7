import type { OperationName, Request } from '@brimful/api';
import { Client, ENDPOINTS, OPERATIONS } from '@brimful/api';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Served } from './testing/served.ts';
import { post, served } from './testing/served.ts';

let server: Served;
let client: Client;

beforeAll(async () => {
  server = await served();
  client = new Client({ origin: server.url });
});

afterAll(() => server[Symbol.asyncDispose]());

const REQUESTS: { readonly [Name in OperationName]: Request<Name> } = {
  getSession: {},
  signIn: { body: { password: 'there is none' } },
  signOut: {},
  getStatus: {},
  listCaptures: {},
  getCapture: { path: { name: 'shop/postgres' } },
  listCollections: {},
  getCollection: { path: { name: 'shop/orders' } },
  previewCollection: { path: { name: 'shop/orders' }, query: { limit: 5, skip: 10 } },
  listSchemas: { path: { name: 'shop/orders' } },
  listMaterializations: {},
  getMaterialization: { path: { name: 'shop/warehouse' } },
  planBackfill: { body: { mode: 'reset', task: 'shop/postgres', reason: 'r' } },
  listPlans: {},
  getPlan: { path: { id: 'plan-1' } },
  applyPlan: { path: { id: 'plan-1' }, body: { acknowledged: ['g1'] } },
  listRuns: {},
  getRun: { path: { id: 'run-000001' } },
  orderRun: { path: { id: 'run-000001' }, body: { verb: 'pause', why: 'lunch' } },
  startVerification: { body: { target: 'shop/orders', level: 'counts' } },
  listVerifications: {},
  getVerification: { path: { id: 'verification-1' } },
  cancelVerification: { path: { id: 'verification-1' } },
  listAlerts: {},
  acknowledgeAlert: { path: { id: 'slot-lag:shop/postgres' } },
  testAlerts: {},
  listLogs: {},
  getSettings: {},
  getUsage: {},
  getCatalog: {},
  planPublication: { body: { text: 'captures: {}', reason: 'less' } },
  getPublicationPlan: { path: { id: 'publication-plan-1' } },
  applyPublication: { path: { id: 'publication-plan-1' } },
  listPublications: {},
  getPublication: { path: { number: 2 } },
  revertPublication: { path: { number: 2 }, body: { reason: 'it was wrong' } },
  listConnectors: {},
  checkConnection: { body: { connector: 'postgres', kind: 'capture', config: { url: '${SHOP_URL}' } } },
  listSecrets: {},
  putSecret: { body: { name: 'SHOP_PASSWORD', value: 'hush' } },
  removeSecret: { path: { name: 'SHOP_PASSWORD' } },
  discoverResources: { body: { connector: 'postgres', config: { url: '${SHOP_URL}' } } },
};

test.each(Object.keys(REQUESTS).filter((name) => name !== 'signIn') as OperationName[])(
  '%s is answered as it is described',
  async (name) => {
    const answer = await client.call(name, REQUESTS[name]);
    const found = OPERATIONS[name].answer.safeParse(answer);
    expect(found.error?.issues ?? []).toEqual([]);
    expect(found.data).toEqual(answer);
  },
);

test('what was asked arrives whole, from whoever is signed in', () => {
  expect(server.target.asked).toEqual(
    expect.arrayContaining([
      ['preview', 'shop/orders', 5, 10],
      ['plan', { mode: 'reset', task: 'shop/postgres', reason: 'r', undo: '12h', author: 'local' }],
      ['apply', 'plan-1', { who: 'local', acknowledged: ['g1'] }],
      ['acknowledge', 'slot-lag:shop/postgres', 'local'],
      ['order', 'run-000001', { verb: 'pause', why: 'lunch', who: 'local' }],
    ]),
  );
});

test('a collection knows who reads it', async () => {
  const { collections } = await client.call('listCollections', {});
  expect(collections).toMatchObject([
    { name: 'shop/orders', capture: 'shop/postgres', readers: [{ materialization: 'shop/warehouse' }] },
  ]);
});

describe('problems', () => {
  test('have the code, remedy and place they had where they arose', async () => {
    const response = await fetch(`${server.url}/api/v1/runs/run-9`);
    expect(response.status).toBe(404);
    expect(response.headers.get('content-type')).toBe('application/problem+json');
    expect(await response.json()).toEqual({
      type: 'urn:brimful:problem:BRM-RUN-UNKNOWN',
      title: 'There is no run run-9.',
      status: 404,
      detail: 'There is no run run-9.',
      code: 'BRM-RUN-UNKNOWN',
      kind: 'operator',
      remedy: 'See `brimful backfill list`.',
      at: { run: 'run-9' },
    });
    await expect(client.call('getRun', { path: { id: 'run-9' } })).rejects.toMatchObject({
      code: 'BRM-RUN-UNKNOWN',
      at: { run: 'run-9' },
    });
  });

  test.each([
    ['/api/v1/plans', '{"mode":1,"task":"x"}', 400, 'mode'],
    ['/api/v1/plans', '{"mode":"reset","task":"x","author":"somebody else"}', 400, 'author'],
    ['/api/v1/plans', '{', 400, 'read'],
    ['/api/v1/runs/run-1/orders', '{"verb":"explode"}', 400, 'verb'],
    [
      '/api/v1/runs/run-1/orders',
      '{"verb":"throttle","throttle":{"bytesPerSecond":-1,"readers":null}}',
      400,
      'bytesPerSecond',
    ],
    ['/api/v1/nothing', '{}', 404, '/api/v1/nothing'],
  ])('POST %s %s is refused with a reason', async (path, body, status, word) => {
    const before = server.target.asked.length;
    const response = await post(server.url + path, body);
    expect(response.status).toBe(status);
    expect(((await response.json()) as { detail: string }).detail).toContain(word);
    expect(server.target.asked).toHaveLength(before);
  });

  test('in the query are found too', async () => {
    const response = await fetch(`${server.url}/api/v1/collections/shop%2Forders/preview?limit=100000`);
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ code: 'BRM-API-REQUEST', at: { field: 'limit' } });
  });

  test('a body without end is cut off', async () => {
    const response = await post(`${server.url}/api/v1/plans`, `"${'x'.repeat(17 * 1024 * 1024)}"`);
    expect(response.status).toBe(413);
  });
});

describe('idempotency keys', () => {
  const order = `/api/v1/runs/run-000001/orders`;
  const asked = (): number => server.target.asked.filter((one) => (one as string[])[0] === 'order').length;

  test('the same request twice is done once, also at the same time', async () => {
    const before = asked();
    const send = (): Promise<Response> =>
      post(server.url + order, { verb: 'resume' }, { 'idempotency-key': 'k1' });
    const answers = await Promise.all([send(), send()]);
    const third = await send();
    expect([...answers, third].map(({ status }) => status)).toEqual([200, 200, 200]);
    expect(await third.json()).toMatchObject({ id: 'run-000001' });
    expect(asked()).toBe(before + 1);
  });

  test('a key that was used for something else is refused', async () => {
    await post(server.url + order, { verb: 'resume' }, { 'idempotency-key': 'k2' });
    const other = await post(server.url + order, { verb: 'cancel' }, { 'idempotency-key': 'k2' });
    expect(other.status).toBe(422);
    expect(await other.json()).toMatchObject({ code: 'BRM-API-KEY' });
  });

  test('without one, everything is done', async () => {
    const before = asked();
    await post(server.url + order, { verb: 'resume' });
    await post(server.url + order, { verb: 'resume' });
    expect(asked()).toBe(before + 2);
  });
});

test('secrets are taken out of answers, and left in the rows that belong to the user (Invariant 10)', async () => {
  const status = await (await fetch(`${server.url}/api/v1/status`)).text();
  expect(status).toContain('Streaming with ***');
  const preview = await client.call('previewCollection', { path: { name: 'shop/orders' } });
  expect(preview.rows[0]?.values['note']).toBe('password=hunter2hunter2');
});

test('a verification goes on by itself until it is done', async () => {
  const started = await client.call('startVerification', { body: { target: 'shop/orders' } });
  const path = { id: started.id };
  expect(await client.call('getVerification', { path })).toMatchObject({
    state: 'running',
    progress: { rows: 5 },
  });
  server.target.verified.resolve([]);
  await expect.poll(async () => (await client.call('getVerification', { path })).state).toBe('done');
});

test('the description names every operation, and its schemas', async () => {
  const document = (await (await fetch(`${server.url}/openapi.json`)).json()) as {
    openapi: string;
    paths: Record<string, Record<string, { operationId: string; responses: object }>>;
    components: { schemas: Record<string, object> };
  };
  expect(document.openapi).toBe('3.1.0');
  const described = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, { operationId }]) => [
      operationId,
      `${method.toUpperCase()} ${path}`,
    ]),
  );
  expect(Object.fromEntries(described)).toEqual(ENDPOINTS);
  expect(Object.keys(document.components.schemas)).toEqual(
    expect.arrayContaining(['Run', 'BackfillPlan', 'RuntimeStatus', 'Problem', 'RunDraft']),
  );
  const page = await (await fetch(`${server.url}/api/reference`)).text();
  expect(page).toContain('/api/v1/plans/{id}/apply');
  expect(page).not.toContain('<script');
});

test('metrics, health and readiness', async () => {
  const metrics = await (await fetch(`${server.url}/metrics`)).text();
  expect(metrics).toContain('brimful_task_state{kind="capture",task="shop/postgres",state="running"} 1');
  expect(metrics).toContain(
    'brimful_table_entries_behind{task="shop/warehouse",collection="shop/orders",table="orders"} 1',
  );
  expect(metrics).toContain('brimful_http_request_seconds_count');
  expect((await fetch(`${server.url}/healthz`)).status).toBe(200);
  expect((await fetch(`${server.url}/readyz`)).status).toBe(200);
});
