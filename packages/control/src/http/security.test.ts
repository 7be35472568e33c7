import { request } from 'node:http';
import type { OperationName } from '@brimful/api';
import { Client, ENDPOINTS, EVENTS_PATH, OPERATIONS } from '@brimful/api';
import type { Operation } from '@brimful/api';
import { describe, expect, test } from 'vitest';
import { Access } from './access.ts';
import { makeApp } from './app.ts';
import type { Desk } from './desk.ts';
import { Gate } from './gate.ts';
import { isLoopback } from './origin.ts';
import { Pages } from './pages.ts';
import { PASSWORD, post, served, TOKEN } from './testing/served.ts';

const EXPOSED = { host: '0.0.0.0', password: PASSWORD, tokens: { ci: TOKEN } };

test('what others could reach is not served without a password or token', async () => {
  await expect(served({ host: '0.0.0.0' })).rejects.toMatchObject({ code: 'BRM-API-EXPOSED' });
  await expect(served({ host: '::' })).rejects.toMatchObject({ code: 'BRM-API-EXPOSED' });
  expect(['127.0.0.1', '127.8.0.1', 'localhost', '::1', '[::1]'].every(isLoopback)).toBe(true);
  expect(['0.0.0.0', '127.evil.com', '10.0.0.1', '::', 'localhost.evil.com'].some(isLoopback)).toBe(false);
});

/** As they are registered, not as a list says they should be: a new route cannot be left out. */
async function registered(): Promise<(readonly [method: string, path: string])[]> {
  const settings = { host: '0.0.0.0', port: 0, names: [], password: PASSWORD, tokens: {} };
  const gate = new Gate(await Access.create(settings, Date.now), settings, Date.now);
  // Registering asks nothing of the desk.
  const app = makeApp({ desk: {} as Desk, gate, pages: await Pages.read(undefined), version: '' });
  const routes = app.routes.map(({ method, path }) => `${method} ${path.replaceAll(/:\w+/g, 'x')}`);
  return [...new Set(routes)]
    .filter((route) => route !== 'ALL /*')
    .map((route) => [route.slice(0, route.indexOf(' ')), route.slice(route.indexOf(' ') + 1)] as const);
}

/** All that strangers may have: whether there is a Brimful, what its API is like, its pages (without content), signing in. */
const OPEN = [
  'GET /api/v1/session',
  'POST /api/v1/session',
  'DELETE /api/v1/session',
  'GET /healthz',
  'GET /readyz',
  'GET /openapi.json',
  'GET /api/reference',
  'GET /*',
];

test('a stranger can do and see nothing, whatever is asked', async () => {
  await using server = await served(EXPOSED);
  const routes = (await registered()).filter(([method, path]) => !OPEN.includes(`${method} ${path}`));
  const writes = routes.filter(([method]) => method !== 'GET');
  const known = Object.values(ENDPOINTS).filter((endpoint) => !endpoint.startsWith('GET '));
  // A session is begun and ended by anybody; all other writes are here.
  expect(writes).toHaveLength(known.length - 2);
  for (const [method, path] of routes) {
    for (const authorization of [undefined, `Bearer ${TOKEN}x`, 'Bearer ', 'Basic YWRtaW46YWRtaW4=']) {
      const response = await fetch(server.url + path, {
        method,
        headers: {
          'content-type': 'application/json',
          cookie: 'brimful_session=guess',
          ...(authorization === undefined ? {} : { authorization }),
        },
        // Also what is not valid is not told apart.
        ...(method === 'GET' ? {} : { body: '{' }),
      });
      expect([method, path, response.status]).toEqual([method, path, 401]);
      expect(await response.json()).toMatchObject({ code: 'BRM-API-SIGN-IN' });
    }
  }
  for (const path of [EVENTS_PATH, '/metrics']) expect(routes).toContainEqual(['GET', path]);
  expect(server.target.asked).toEqual([]);
  expect(server.audit().every((line) => line.who === 'nobody' && line.status === 401)).toBe(true);
  expect((await fetch(`${server.url}/healthz`)).status).toBe(200);
});

test('only signing in and out is an operation for everybody', () => {
  const open = (Object.keys(ENDPOINTS) as OperationName[]).filter(
    (name) => (OPERATIONS[name] as Operation).open === true,
  );
  expect(open).toEqual(['getSession', 'signIn', 'signOut']);
});

test('a token lets a program in under its name, and that is on record', async () => {
  await using server = await served(EXPOSED);
  const client = new Client({ origin: server.url, token: TOKEN });
  await client.call('orderRun', { path: { id: 'run-000001' }, body: { verb: 'pause' } });
  expect(server.target.asked).toEqual([['order', 'run-000001', { verb: 'pause', why: null, who: 'ci' }]]);
  expect(server.audit()).toMatchObject([
    { who: 'ci', by: 'token', operation: 'orderRun', subject: 'run-000001', status: 200, code: null },
  ]);
  expect(JSON.stringify(server.audit())).not.toContain(TOKEN);
});

test('settings say who can come in, by name, and when they last did; never by what', async () => {
  await using server = await served({ ...EXPOSED, tokens: { ci: TOKEN, spare: `${TOKEN}-2` } });
  const client = new Client({ origin: server.url, token: TOKEN });
  const settings = await client.call('getSettings', {});
  expect(settings).toMatchObject({
    file: '/srv/brimful.yaml',
    server: { host: '0.0.0.0', isExposed: true, port: Number(new URL(server.url).port) },
    access: {
      hasPassword: true,
      sessions: 0,
      tokens: [
        { name: 'ci', lastUsedAt: expect.any(Number) as number },
        { name: 'spare', lastUsedAt: null },
      ],
    },
  });
  for (const secret of [PASSWORD, TOKEN]) expect(JSON.stringify(settings)).not.toContain(secret);
});

describe('sessions', () => {
  async function signedIn(url: string): Promise<{ cookie: string; csrfToken: string; set: string }> {
    const response = await post(`${url}/api/v1/session`, { password: PASSWORD });
    expect(response.status).toBe(200);
    const set = response.headers.get('set-cookie') ?? '';
    const { csrfToken } = (await response.json()) as { csrfToken: string };
    return { cookie: set.split(';')[0] ?? '', csrfToken, set };
  }

  test('begin with the password and end with signing out', async () => {
    await using server = await served(EXPOSED);
    const { cookie, csrfToken, set } = await signedIn(server.url);
    expect(set).toMatch(/HttpOnly/);
    expect(set).toMatch(/SameSite=Strict/);
    const headers = { cookie, 'x-csrf-token': csrfToken };
    const status = (): Promise<number> =>
      fetch(`${server.url}/api/v1/status`, { headers }).then((response) => response.status);
    expect(await status()).toBe(200);
    const out = await fetch(`${server.url}/api/v1/session`, {
      method: 'DELETE',
      headers: { ...headers, 'content-type': 'application/json' },
    });
    expect(await out.json()).toMatchObject({ who: null, authentication: 'required', csrfToken: null });
    expect(await status()).toBe(401);
  });

  test('may read, but change nothing without their token', async () => {
    await using server = await served(EXPOSED);
    const { cookie, csrfToken } = await signedIn(server.url);
    const url = `${server.url}/api/v1/runs/run-000001/orders`;
    for (const headers of [{ cookie }, { cookie, 'x-csrf-token': 'guess' }]) {
      const response = await post(url, { verb: 'cancel' }, headers);
      expect(response.status).toBe(403);
      expect(await response.json()).toMatchObject({ code: 'BRM-API-CSRF' });
    }
    expect(server.target.asked).toEqual([]);
    const allowed = await post(url, { verb: 'cancel' }, { cookie, 'x-csrf-token': csrfToken });
    expect(allowed.status).toBe(200);
    expect(server.target.asked).toMatchObject([['order', 'run-000001', { who: 'admin' }]]);
  });

  test('end by themselves after half a day', async () => {
    let now = Date.now();
    await using server = await served(EXPOSED, { now: () => now });
    const { cookie } = await signedIn(server.url);
    now += 13 * 3_600_000;
    expect((await fetch(`${server.url}/api/v1/status`, { headers: { cookie } })).status).toBe(401);
  });

  test('are not begun by guessing', async () => {
    let now = Date.now();
    await using server = await served(EXPOSED, { now: () => now });
    const attempt = (password: string): Promise<number> =>
      post(`${server.url}/api/v1/session`, { password }).then((response) => response.status);
    const guesses = await Promise.all(Array.from({ length: 8 }, (_, index) => attempt(`guess ${index}`)));
    expect(guesses.filter((status) => status === 401)).toHaveLength(5);
    expect(guesses.filter((status) => status === 429)).toHaveLength(3);
    expect(await attempt(PASSWORD)).toBe(429);
    now += 16 * 60_000;
    expect(await attempt(PASSWORD)).toBe(200);
    expect(JSON.stringify(server.audit())).not.toContain('guess');
  });
});

describe('pages of others', () => {
  /** With headers that fetch would not let us set. */
  function raw(url: string, headers: Record<string, string>, body?: string): Promise<number> {
    return new Promise((resolve, reject) => {
      const sent = request(url, { method: body === undefined ? 'GET' : 'POST', headers }, (response) => {
        response.resume();
        resolve(response.statusCode ?? 0);
      });
      sent.on('error', reject);
      sent.end(body);
    });
  }

  test('reach nothing by a name that suddenly means this machine', async () => {
    await using server = await served({ names: ['brimful.example.com'], tokens: { ci: TOKEN } });
    const authorization = `Bearer ${TOKEN}`;
    const { port } = new URL(server.url);
    const status = `${server.url}/api/v1/status`;
    expect(await raw(status, { host: `evil.example.com:${port}` })).toBe(421);
    expect(await raw(`${server.url}/`, { host: `evil.example.com:${port}` })).toBe(421);
    for (const host of [`localhost:${port}`, `127.0.0.1:${port}`, `[::1]:${port}`, 'brimful.example.com']) {
      expect([host, await raw(status, { host, authorization })]).toEqual([host, 200]);
    }
  });

  test('change nothing, by script or by form', async () => {
    await using server = await served();
    const url = `${server.url}/api/v1/runs/run-000001/orders`;
    const json = { 'content-type': 'application/json' };
    const body = '{"verb":"cancel"}';
    expect(await raw(url, { ...json, origin: 'http://evil.example.com' }, body)).toBe(403);
    expect(await raw(url, { ...json, origin: 'http://127.0.0.1:1' }, body)).toBe(403);
    expect(await raw(url, { ...json, origin: 'null' }, body)).toBe(403);
    expect(await raw(url, { ...json, 'sec-fetch-site': 'cross-site' }, body)).toBe(403);
    expect(await raw(url, { 'content-type': 'text/plain' }, body)).toBe(415);
    expect(await raw(url, {}, body)).toBe(415);
    expect(server.target.asked).toEqual([]);
    expect(await raw(url, { ...json, origin: server.url }, body)).toBe(200);
  });

  test('cannot frame ours, nor get a script into them', async () => {
    await using server = await served();
    const { headers } = await fetch(`${server.url}/api/reference`);
    const policy = headers.get('content-security-policy') ?? '';
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain("script-src 'self';");
    expect(policy).toContain("frame-ancestors 'none'");
    expect(headers.get('x-content-type-options')).toBe('nosniff');
  });
});
