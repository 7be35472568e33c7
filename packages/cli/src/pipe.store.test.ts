import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ControlClient } from '@brimful/control';
import type { Runtime } from '@brimful/engine';
import type { RuntimeStatus } from '@brimful/model';
import { STATUS_KEY } from '@brimful/model';
import { afterEach, beforeEach, expect, test } from 'vitest';
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

function start(startRuntime: () => Promise<Runtime>): Promise<Pipe> {
  const config: LoadedConfig = {
    file: join(directory, 'brimful.yaml'),
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
    redact: redactor(),
  };
  return Pipe.start({ config, connectors: fakeConnectors(), log: silentLog, openStore, startRuntime });
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
