import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Live, Topic } from '@brimful/api';
import { Client } from '@brimful/api';
import { expect, test } from 'vitest';
import { aRun, SECRET } from './testing/fake-target.ts';
import type { Served } from './testing/served.ts';
import { served } from './testing/served.ts';

/** Listens until told to stop; what it heard is in `heard`. */
function listen(server: Served, topics: readonly Topic[]): { heard: Live[]; stop: () => Promise<void> } {
  const ending = new AbortController();
  const heard: Live[] = [];
  const done = (async () => {
    for await (const one of new Client({ origin: server.url }).live(topics, ending.signal)) heard.push(one);
  })();
  return {
    heard,
    stop: async () => {
      ending.abort();
      await done;
    },
  };
}

const eventsOf = (heard: readonly Live[]): string[] => heard.map(({ event }) => event);

test('several pages hear what is, then what changes, each what it wants', async () => {
  await using server = await served();
  await expect.poll(() => server.target.watchers()).toBe(1);
  server.target.logs.add('warn', { url: `x ${SECRET}` }, 'before');
  const all = Array.from({ length: 5 }, () => listen(server, ['status', 'runs', 'logs']));
  const runsOnly = listen(server, ['runs']);
  for (const { heard } of all) {
    await expect.poll(() => eventsOf(heard)).toEqual(expect.arrayContaining(['status', 'run', 'log']));
  }
  await expect.poll(() => eventsOf(runsOnly.heard)).toEqual(['connected', 'run']);
  server.target.show(aRun('run-000007', { state: 'paused' }));
  server.target.logs.add('info', {}, 'after');
  for (const { heard } of [...all, runsOnly]) {
    await expect
      .poll(() => heard.some((one) => one.event === 'run' && one.data.state === 'paused'))
      .toBe(true);
  }
  expect(eventsOf(runsOnly.heard)).toEqual(['connected', 'run', 'run']);
  expect(JSON.stringify(all[0]?.heard)).toContain('after');
  expect(JSON.stringify(all[0]?.heard)).not.toContain(SECRET);
  await Promise.all([...all, runsOnly].map(({ stop }) => stop()));
});

test('a status is sent once a second while nothing else happens', async () => {
  await using server = await served();
  const { heard, stop } = listen(server, ['status']);
  await new Promise((resolve) => setTimeout(resolve, 2600));
  const statuses = eventsOf(heard).filter((event) => event === 'status').length;
  expect(statuses).toBeGreaterThanOrEqual(3);
  expect(statuses).toBeLessThanOrEqual(4);
  await stop();
});

test('a verification is heard until its end', async () => {
  await using server = await served();
  const { heard, stop } = listen(server, ['verifications']);
  await expect.poll(() => eventsOf(heard)).toContain('connected');
  await new Client({ origin: server.url }).call('startVerification', { body: { target: 'shop/orders' } });
  server.target.verified.resolve([]);
  await expect
    .poll(() => heard.some((one) => one.event === 'verification' && one.data.state === 'done'))
    .toBe(true);
  await stop();
});

test('a listener that comes back is told anew, and one that stays away is forgotten', async () => {
  await using server = await served();
  const { heard, stop } = listen(server, ['runs']);
  await expect.poll(() => eventsOf(heard)).toContain('run');
  await stop();
  const again = listen(server, ['runs']);
  await expect.poll(() => eventsOf(again.heard)).toEqual(['connected', 'run']);
  await again.stop();
  const metrics = async (): Promise<string> => (await fetch(`${server.url}/metrics`)).text();
  await expect.poll(metrics).toContain('brimful_http_listeners 0');
});

test('a server that stops ends its streams, and says that it is gone', async () => {
  const server = await served();
  const { heard, stop } = listen(server, ['runs']);
  await expect.poll(() => eventsOf(heard)).toContain('run');
  await server[Symbol.asyncDispose]();
  await expect.poll(() => eventsOf(heard)).toContain('lost');
  await stop();
});

test('pages are served from what was built, and their addresses lead to the start', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'brimful-pages-'));
  mkdirSync(join(directory, 'assets'));
  writeFileSync(join(directory, 'index.html'), '<!doctype html>start');
  writeFileSync(join(directory, 'assets', 'a-1234.js'), 'run()');
  writeFileSync(join(directory, '..', 'brimful-not-a-page.txt'), 'secret');
  await using server = await served({}, { pagesDirectory: directory });
  const get = (path: string): Promise<Response> => fetch(server.url + path);
  expect(await (await get('/')).text()).toContain('start');
  expect(await (await get('/runs/run-000001')).text()).toContain('start');
  const script = await get('/assets/a-1234.js');
  expect(script.headers.get('content-type')).toContain('javascript');
  expect(script.headers.get('cache-control')).toContain('immutable');
  expect(await (await get('/collections/shop%2Fpublic.orders')).text()).toContain('start');
  for (const path of ['/assets/gone.js', '/api/v1/gone'])
    expect([path, (await get(path)).status]).toEqual([path, 404]);
  for (const path of ['/%2e%2e/brimful-not-a-page.txt', '/..%2fbrimful-not-a-page.txt'])
    expect([path, await (await get(path)).text()]).not.toEqual([path, 'secret']);
  rmSync(directory, { recursive: true });
  rmSync(join(directory, '..', 'brimful-not-a-page.txt'));
});

test('pages that were not built are said to be so, and the rest is there', async () => {
  await using server = await served();
  const response = await fetch(server.url);
  expect(response.status).toBe(404);
  expect(await response.json()).toMatchObject({ remedy: expect.stringContaining('npm run build') });
  expect((await fetch(`${server.url}/api/reference`)).status).toBe(200);
});
