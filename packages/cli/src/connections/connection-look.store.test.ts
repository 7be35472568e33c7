import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { OPERATIONS } from '@brimful/api';
import type { ConnectionLook } from '@brimful/control';
import { Problem } from '@brimful/model';
import type { Store } from '@brimful/store';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openStore } from '../data-directory.ts';
import { SecretBook } from '../secrets/secret-book.ts';
import type { FakeOptions } from '../testing/fake-connectors.ts';
import { fakeConnectors } from '../testing/fake-connectors.ts';
import { connectionLook } from './connection-look.ts';

let directory: string;
let store: Store;

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'brimful-look-'));
  store = await openStore(join(directory, 'data'));
});

afterAll(async () => {
  await store[Symbol.asyncDispose]();
  rmSync(directory, { recursive: true, force: true });
});

function look(options: FakeOptions = {}): ConnectionLook {
  const environment = { SHOP_HOST: 'db-internal-7', SHOP_PASSWORD: 's3cret' };
  const dataDirectory = join(directory, 'data');
  return connectionLook({
    connectors: fakeConnectors(options),
    environment,
    secrets: new SecretBook({ registry: store.registry, dataDirectory, environment, now: Date.now }),
    file: join(directory, 'brimful.yaml'),
    store,
  });
}

const CONFIG = { url: 'fake://me:${SHOP_PASSWORD}@${SHOP_HOST}/shop' };
const ASKED = { connector: 'fake', kind: 'capture', config: CONFIG } as const;

test('connectors are told with the schemas of both sides, as they are described', async () => {
  const connectors = await look().connectors();
  expect(OPERATIONS.listConnectors.answer.parse({ connectors })).toEqual({ connectors });
  expect(connectors.map(({ name, kind }) => [name, kind])).toEqual([
    ['fake', 'capture'],
    ['sink', 'materialization'],
  ]);
  expect(connectors[0]?.captureSchema).toMatchObject({
    properties: { url: { description: 'Where it is.' } },
    required: ['url'],
  });
});

// Invariant 10
test('nothing that was filled in comes back, not even what is no secret by its name', async () => {
  const unreachable = new Problem('BRM-TEST', 'ENOTFOUND db-internal-7 for fake://me:s3cret@db-internal-7', {
    remedy: 'Is db-internal-7 up?',
  });
  const report = await look({ unreachable }).check(ASKED);
  expect(report).toMatchObject({ ok: false, findings: [{ subject: 'connection', level: 'error' }] });
  expect(JSON.stringify(report)).not.toMatch(/db-internal-7|s3cret/);
  const failed = await look({ unreachable })
    .discover({ connector: 'fake', config: CONFIG })
    .catch((thrown: unknown) => thrown);
  expect(failed).toMatchObject({ code: 'BRM-TEST', message: expect.stringContaining('ENOTFOUND ***') });
  expect(JSON.stringify(failed)).not.toMatch(/db-internal-7|s3cret/);
});

describe('what is wrong with a config', () => {
  test('is a finding, with the field', async () => {
    const report = await look().check({ ...ASKED, config: { url: CONFIG.url, prot: 1 } });
    expect(report).toMatchObject({ ok: false, findings: [{ subject: 'config' }] });
    expect(report.findings[0]?.message).toContain('prot');
    expect(report.findings[0]?.remedy).toContain('port');
  });

  test("the key of all secrets is not sent to a host of somebody's choice", async () => {
    const config = { url: '${BRIMFUL_SECRET_KEY}' };
    expect((await look().check({ ...ASKED, config })).findings[0]?.message).toContain(
      'no part of a connection',
    );
    await expect(look().discover({ connector: 'fake', config })).rejects.toMatchObject({
      code: 'BRM-CONFIG-VALUE',
    });
  });

  test('a variable that is not set is said, and keeps discovery from beginning', async () => {
    const config = { url: '${NOWHERE}' };
    expect((await look().check({ ...ASKED, config })).findings[0]?.message).toContain('NOWHERE is not set');
    await expect(look().discover({ connector: 'fake', config })).rejects.toMatchObject({
      code: 'BRM-CONFIG-VARIABLE',
    });
    await expect(look().discover({ connector: 'sink', config: CONFIG })).rejects.toMatchObject({
      code: 'BRM-CONFIG-CONNECTOR',
    });
  });
});

test('findings and tables of a source that answers', async () => {
  const findings = [{ level: 'warning', subject: 'wal', message: 'low', remedy: 'more' }] as const;
  const resources = [
    {
      name: 'public.orders',
      suggestedTarget: 'orders',
      schema: { version: 1, key: ['id'], columns: [] },
      estimate: { rows: 12, bytes: 340, quality: 'exact' },
    },
  ] as const;
  expect(await look({ findings }).check(ASKED)).toEqual({ ok: true, findings });
  expect(await look({ resources }).discover({ connector: 'fake', config: CONFIG })).toEqual({
    resources: [
      {
        name: 'public.orders',
        suggestedTarget: 'orders',
        key: ['id'],
        columns: 0,
        rows: 12,
        bytes: 340,
        quality: 'exact',
        problem: null,
      },
    ],
  });
});
