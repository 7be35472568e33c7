import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { listSecrets, removeSecret, setSecret } from '../commands/secret.ts';
import { loadConfig } from '../config/load.ts';
import { openStoreReadonly } from '../data-directory.ts';
import { fakeConnectors } from '../testing/fake-connectors.ts';
import type { TestContext } from '../testing/test-context.ts';
import { testContext } from '../testing/test-context.ts';
import { seal, unseal } from './secret-box.ts';

const CONFIG = `dataDirectory: kept
captures:
  shop/fake: { connector: fake, config: { url: "\${SHOP_URL}" } }
`;
const VALUE = 'fake://me@db/any-old-thing';

let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'brimful-secret-'));
  writeFileSync(join(directory, 'brimful.yaml'), CONFIG);
});

afterEach(() => rmSync(directory, { recursive: true, force: true }));

function context(environment: Readonly<Record<string, string>> = {}): TestContext {
  return testContext(directory, fakeConnectors(), { environment });
}

async function url(environment: Readonly<Record<string, string>> = {}): Promise<unknown> {
  const { spec } = await loadConfig('brimful.yaml', context(environment));
  return spec.captures[0]?.config;
}

// Invariant 10
test('a secret that is kept fills in what the environment lacks, is nowhere readable, and can be forgotten', async () => {
  await expect(url()).rejects.toThrow(AggregateError);
  const shown = context();
  expect(await setSecret(shown, 'SHOP_URL', async () => VALUE)).toBe(0);
  expect(await listSecrets(shown)).toBe(0);
  expect(shown.out()).toContain('SHOP_URL');
  expect(shown.out()).not.toContain('any-old-thing');
  expect(await url()).toEqual({ url: VALUE });
  expect(await url({ SHOP_URL: 'fake://other' })).toEqual({ url: 'fake://other' });
  // Whatever its name: it was told to be a secret.
  const { redact } = await loadConfig('brimful.yaml', context());
  expect(redact(`cannot reach ${VALUE}`)).toBe('cannot reach ***');
  {
    await using store = await openStoreReadonly(join(directory, 'kept'));
    expect(JSON.stringify(await store.registry.list(''))).not.toContain('any-old-thing');
  }
  const key = join(directory, 'kept', 'secret.key');
  expect(statSync(key).mode & 0o777).toBe(0o600);

  chmodSync(key, 0o644);
  await expect(url()).rejects.toMatchObject({ code: 'BRM-SECRET-KEY', remedy: `chmod 600 ${key}` });
  chmodSync(key, 0o600);
  const other = Buffer.alloc(32, 7).toString('base64');
  await expect(url({ BRIMFUL_SECRET_KEY: other })).rejects.toMatchObject({ code: 'BRM-SECRET-KEY' });
  const same = readFileSync(key, 'utf8').trim();
  rmSync(key);
  await expect(url()).rejects.toMatchObject({ code: 'BRM-SECRET-KEY' });
  expect(await url({ BRIMFUL_SECRET_KEY: same })).toEqual({ url: VALUE });

  expect(await removeSecret(context(), 'SHOP_URL')).toBe(0);
  await expect(url()).rejects.toThrow(AggregateError);
  await expect(removeSecret(context(), 'SHOP_URL')).rejects.toMatchObject({ code: 'BRM-SECRET-UNKNOWN' });
});

test('what is no name or no key is refused', async () => {
  await expect(setSecret(context(), 'A B', async () => 'x')).rejects.toMatchObject({
    code: 'BRM-USAGE-SECRET',
  });
  await expect(setSecret(context(), 'A', async () => '')).rejects.toMatchObject({ code: 'BRM-USAGE-SECRET' });
  const short = context({ BRIMFUL_SECRET_KEY: 'short' });
  await expect(setSecret(short, 'A', async () => 'x')).rejects.toMatchObject({ code: 'BRM-SECRET-KEY' });
});

test('what was sealed opens only as it was, under its key and its name', () => {
  const key = Buffer.alloc(32, 1);
  const sealed = seal(key, 'A', 'válue');
  expect(unseal(key, 'A', sealed)).toBe('válue');
  expect(seal(key, 'A', 'válue').text).not.toBe(sealed.text);
  expect(() => unseal(Buffer.alloc(32, 2), 'A', sealed)).toThrow('cannot be read');
  expect(() => unseal(key, 'B', sealed)).toThrow('cannot be read');
  expect(() => unseal(key, 'A', { ...sealed, tag: sealed.nonce })).toThrow('cannot be read');
});
