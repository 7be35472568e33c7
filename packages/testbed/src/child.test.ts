import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, expect, test } from 'vitest';

import { startChild } from './child.ts';

let directory = '';
let script = '';

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'brimful-child-'));
  script = join(directory, 'child.mjs');
  writeFileSync(
    script,
    `console.log('node', process.versions.node, process.argv[2], process.env.WORD);
     console.error('to stderr');
     if (process.argv[2] === 'stay') setInterval(() => {}, 1000);
     else process.exit(3);`,
  );
});

afterAll(() => rmSync(directory, { recursive: true, force: true }));

test('runs on Node 24, passes arguments and environment, collects output and exit code', async () => {
  const child = startChild({ script, arguments: ['go'], env: { WORD: 'hello' } });
  expect(await child.exited).toEqual({ code: 3, signal: null });
  expect(child.stdout()).toMatch(/^node 24\.\S+ go hello\n$/);
  expect(child.stderr()).toBe('to stderr\n');
  expect(child.running).toBe(false);
});

test('is killed by the signal it is sent', async () => {
  const child = startChild({ script, arguments: ['stay'] });
  const [, version] = await child.waitForOutput(/node (\d+)/);
  expect(version).toBe('24');
  expect(await child.kill('SIGKILL')).toEqual({ code: null, signal: 'SIGKILL' });
});

test('waiting for output that never comes fails with what came instead', async () => {
  const child = startChild({ script, arguments: ['go'] });
  await expect(child.waitForOutput('no such line')).rejects.toThrow(/the process ended[^]*to stderr/);
});
