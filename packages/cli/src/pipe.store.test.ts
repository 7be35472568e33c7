import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from '@brimful/api';
import { ControlClient, DEFAULT_PORT } from '@brimful/control';
import type { Runtime, RuntimeOptions } from '@brimful/engine';
import type { RuntimeStatus } from '@brimful/model';
import { DEFAULT_ALERT_LIMITS, Problem, STATUS_KEY } from '@brimful/model';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { LoadedConfig } from './config/load.ts';
import { openStore, openStoreReadonly } from './data-directory.ts';
import { silentLog } from './log.ts';
import { Pipe } from './pipe.ts';
import { redactor } from './redact.ts';
import { fakeConnectors } from './testing/fake-connectors.ts';
import { aRun, verification } from './testing/runs.ts';
import { captureStatus, runtimeStatus } from './testing/statuses.ts';

let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'brimful-pipe-'));
});

afterEach(() => rmSync(directory, { recursive: true, force: true }));

function start(
  startRuntime: (options: RuntimeOptions) => Promise<Runtime>,
  server: Partial<LoadedConfig['server']> = {},
): Promise<Pipe> {
  const config: LoadedConfig = {
    file: join(directory, 'brimful.yaml'),
    text: '',
    spec: {
      captures: [],
      collections: [],
      materializations: [],
      limits: {
        diskFreeBytes: 0,
        diskUsedBytes: undefined,
        memoryBytes: 1,
        retentionMilliseconds: undefined,
      },
    },
    dataDirectory: join(directory, 'data'),
    backfill: { undo: undefined, prices: undefined },
    alerts: {
      limits: { ...DEFAULT_ALERT_LIMITS, diskFreeBytes: 0 },
      webhook: undefined,
      from: 'info',
    },
    server: { host: '127.0.0.1', port: 0, names: [], password: undefined, tokens: {}, ...server },
    redact: redactor(),
  };
  const environment = { SHOP: 'shop' };
  const connectors = fakeConnectors();
  return Pipe.start({ config, connectors, log: silentLog, openStore, startRuntime, environment });
}

function fakeRuntime(): Runtime & { stops: number } {
  const { promise, resolve } = Promise.withResolvers<void>();
  return {
    stops: 0,
    finished: promise,
    verify: async ({ target }) => [
      {
        report: verification({ subject: target }),
        differing: { keys: [], complete: true },
        repairs: undefined,
      },
    ],
    status() {
      const state = this.stops > 0 ? 'stopped' : 'running';
      return runtimeStatus({ captures: [captureStatus([], { state })] });
    },
    async stop() {
      this.stops += 1;
      resolve();
    },
  };
}

/** The file of `start`, as one that says what it says now. */
function writeFile(text: string): void {
  writeFileSync(join(directory, 'brimful.yaml'), text);
}

async function published(): Promise<RuntimeStatus | undefined> {
  await using store = await openStoreReadonly(join(directory, 'data'));
  return (await store.registry.get<RuntimeStatus>(STATUS_KEY))?.value;
}

test('the status stands in the store while it runs, and the last one after it stopped', async () => {
  const runtime = fakeRuntime();
  const pipe = await start(async () => runtime);
  await expect.poll(async () => (await published())?.captures[0]?.state).toBe('running');
  await Promise.all([pipe.stop(), pipe.stop()]);
  expect(runtime.stops).toBe(1);
  expect((await published())?.captures[0]?.state).toBe('stopped');
});

test('a runtime that does not start leaves the data directory free', async () => {
  await expect(start(() => Promise.reject(new Error('no')))).rejects.toThrow('no');
  await using _store = await openStore(join(directory, 'data'));
});

test('a second pipe on the same data directory is refused and leaves the first alone', async () => {
  await using first = await start(async () => fakeRuntime());
  await expect(start(async () => fakeRuntime())).rejects.toMatchObject({ code: 'BRM-STORE-LOCKED' });
  expect(first.status().captures[0]?.state).toBe('running');
});

test('other processes steer it while it runs, and find nobody afterwards', async () => {
  const pipe = await start(async () => fakeRuntime());
  const control = await ControlClient.find(join(directory, 'data'));
  expect(await control?.status()).toMatchObject({ pid: process.pid });
  expect(await control?.backfills.runs()).toEqual([]);
  await expect(control?.backfills.run('run-000001')).rejects.toMatchObject({ code: 'BRM-RUN-UNKNOWN' });
  const request = { target: 'shop/orders', bindings: null, level: 'counts' } as const;
  const reports = await control?.verify(request, new AbortController().signal, () => undefined);
  expect(reports).toMatchObject([{ subject: 'shop/orders', verdict: 'equal' }]);
  await pipe.stop();
  expect(await ControlClient.find(join(directory, 'data'))).toBeUndefined();
});

test('it knows the runs that go on, and forgets those that are over', async () => {
  {
    await using store = await openStore(join(directory, 'data'));
    await store.registry.put('runs/run-000001', aRun({ id: 'run-000001', state: 'done' }));
    await store.registry.put('runs/run-000002', aRun({ id: 'run-000002', state: 'paused' }));
  }
  await using pipe = await start(async () => fakeRuntime());
  await expect.poll(() => pipe.runs().map(({ id }) => id)).toEqual(['run-000002']);
  const control = await ControlClient.find(join(directory, 'data'));
  await control?.backfills.order('run-000002', { verb: 'cancel', who: 'anna', why: null });
  await expect.poll(() => pipe.runs()).toEqual([]);
});

test('browsers and programs reach it while it runs, and nobody afterwards', async () => {
  const pipe = await start(async () => fakeRuntime());
  const client = new Client({ origin: pipe.url ?? '' });
  expect(await client.call('getStatus', {})).toMatchObject({ pid: process.pid });
  expect(await client.call('listRuns', {})).toEqual({ runs: [], total: 0 });
  const nothing = client.call('previewCollection', { path: { name: 'shop/orders' } });
  await expect(nothing).rejects.toMatchObject({ code: 'BRM-COLLECTION-UNKNOWN' });
  await pipe.stop();
  await expect(client.call('getStatus', {})).rejects.toMatchObject({ code: 'BRM-API-UNREACHABLE' });
});

test('where the usual port is taken, another is found; where one was asked for, it is said', async () => {
  const other = createServer().listen(0, '127.0.0.1');
  await once(other, 'listening');
  const { port } = other.address() as AddressInfo;
  await expect(start(async () => fakeRuntime(), { port })).rejects.toMatchObject({ code: 'BRM-API-PORT' });
  const usual = createServer().listen(DEFAULT_PORT, '127.0.0.1');
  // Somebody else on this machine may have it: then it is taken already.
  await new Promise((settled) => usual.once('listening', settled).once('error', settled));
  {
    // What did not start has left the data directory free.
    await using pipe = await start(async () => fakeRuntime(), { port: undefined });
    expect(pipe.url).not.toContain(`:${DEFAULT_PORT}`);
    expect((await fetch(`${pipe.url}/healthz`)).status).toBe(200);
  }
  other.close();
  usual.close();
});

test('it does not start where others could reach it and nothing keeps them out', async () => {
  const runtime = fakeRuntime();
  await expect(start(async () => runtime, { host: '0.0.0.0' })).rejects.toMatchObject({
    code: 'BRM-API-EXPOSED',
  });
  expect(runtime.stops).toBe(1);
});

describe('another catalog', () => {
  const TEXT = 'captures:\n  shop/fake: { connector: fake, config: { url: "fake://db/${SHOP}" } }\n';

  async function planned(client: Client, text: string): Promise<string> {
    const { id } = await client.call('planPublication', { body: { text, unchecked: true } });
    return id;
  }

  test('runs in the place of the one before; whoever is connected stays so, and the pipe goes on', async () => {
    writeFile('');
    const started: string[][] = [];
    const runtimes: (Runtime & { stops: number })[] = [];
    await using pipe = await start(async ({ spec }) => {
      started.push(spec.captures.map(({ name }) => name));
      const runtime = fakeRuntime();
      runtimes.push(runtime);
      return runtime;
    });
    let isOver = false;
    void pipe.finished.then(() => (isOver = true));
    const client = new Client({ origin: pipe.url ?? '' });
    const control = await ControlClient.find(join(directory, 'data'));
    const id = await planned(client, TEXT);
    expect(await client.call('applyPublication', { path: { id } })).toMatchObject({
      number: 2,
      state: 'applied',
    });
    expect(started).toEqual([[], ['shop/fake']]);
    expect(runtimes.map(({ stops }) => stops)).toEqual([1, 0]);
    expect(await control?.catalog.read()).toMatchObject({
      publication: 2,
      captures: [{ name: 'shop/fake' }],
    });
    expect(await client.call('getStatus', {})).not.toHaveProperty('reloading');
    expect(isOver).toBe(false);
  });

  test('that does not start leaves everything as it was, and the file too', async () => {
    writeFile('# mine\n');
    let starts = 0;
    await using pipe = await start(async ({ spec }) => {
      starts += 1;
      if (spec.captures.length > 0) throw new Problem('BRM-TEST', 'there is no room for it');
      return fakeRuntime();
    });
    const client = new Client({ origin: pipe.url ?? '' });
    const id = await planned(client, TEXT);
    await expect(client.call('applyPublication', { path: { id } })).rejects.toMatchObject({
      code: 'BRM-CATALOG-REFUSED',
      message: expect.stringContaining('there is no room for it'),
    });
    expect(starts).toBe(3);
    expect(readFileSync(join(directory, 'brimful.yaml'), 'utf8')).toBe('# mine\n');
    expect(pipe.status().captures[0]?.state).toBe('running');
    const { publications } = await client.call('listPublications', {});
    expect(publications.map(({ number, state }) => [number, state])).toEqual([
      [2, 'refused'],
      [1, 'applied'],
    ]);
  });

  test('is being taken up: the status says so, and stopping waits for it', async () => {
    writeFile('');
    const gate = Promise.withResolvers<void>();
    const runtimes: (Runtime & { stops: number })[] = [];
    const pipe = await start(async ({ spec }) => {
      if (spec.captures.length > 0) await gate.promise;
      const runtime = fakeRuntime();
      runtimes.push(runtime);
      return runtime;
    });
    const client = new Client({ origin: pipe.url ?? '' });
    const id = await planned(client, TEXT);
    const applied = client.call('applyPublication', { path: { id } }).catch(() => undefined);
    await expect.poll(() => pipe.status().reloading).toBe('Publication 2 is being applied.');
    const stopped = pipe.stop();
    gate.resolve();
    await Promise.all([applied, stopped]);
    expect(runtimes.map(({ stops }) => stops)).toEqual([1, 1]);
  });
});
