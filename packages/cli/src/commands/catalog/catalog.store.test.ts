import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openStore } from '../../data-directory.ts';
import { ExitCode, exitCodeOf } from '../../exit-code.ts';
import { problemsOf } from '../../terminal/problem-text.ts';
import { fakeConnectors } from '../../testing/fake-connectors.ts';
import type { TestContext } from '../../testing/test-context.ts';
import { testContext } from '../../testing/test-context.ts';
import { applyCatalog, revertPublication } from './apply.ts';
import { listPublications, showPublication } from './look.ts';
import { planCatalog } from './plan.ts';

const CONFIG = `captures:
  shop/fake: { connector: fake, config: { url: "fake://me:s3cret@db/shop" } }
`;

let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'brimful-catalog-'));
  writeFileSync(join(directory, 'brimful.yaml'), CONFIG);
});

afterEach(() => rmSync(directory, { recursive: true, force: true }));

function context(options: { readonly json?: boolean; readonly unreachable?: Error } = {}): TestContext {
  const { unreachable, json = false } = options;
  return testContext(directory, fakeConnectors(unreachable === undefined ? {} : { unreachable }), { json });
}

const never = (): Promise<boolean> => Promise.reject(new Error('nobody is to be asked'));

test('without a pipe: plan, apply, look and go back, from the file and to it', async () => {
  await expect(planCatalog(context(), {})).rejects.toMatchObject({ code: 'BRM-STATUS-NONE' });
  mkdirSync(join(directory, 'data'));
  // The first time, and told to whoever waits for the next start.
  const first = context();
  expect(await applyCatalog(first, { yes: true, as: 'anna' }, never)).toBe(ExitCode.ok);
  expect(first.out()).toContain('Publication 1 is applied. Nothing runs here at the moment');
  expect(await planCatalog(context(), {})).toBe(ExitCode.ok);

  const more = `${CONFIG}materializations:\n  shop/sink: { connector: sink, config: { path: out.db }, source: shop/fake }\n`;
  writeFileSync(join(directory, 'brimful.yaml'), more);
  const planned = context();
  expect(await planCatalog(planned, { diff: true })).toBe(ExitCode.changes);
  expect(planned.out()).toContain('+ The materialization shop/sink (sink) is added.');
  expect(planned.out()).toContain('+ materializations:');
  expect(planned.out()).not.toContain('s3cret');
  const asked: string[] = [];
  const no = async (question: string): Promise<boolean> => {
    asked.push(question);
    return false;
  };
  expect(await applyCatalog(context(), {}, no)).toBe(ExitCode.refused);
  expect(asked).toEqual(['Apply this?']);
  expect(await applyCatalog(context(), { yes: true, reason: 'a sink', as: 'anna' }, never)).toBe(ExitCode.ok);

  const listed = context();
  await listPublications(listed);
  expect(listed.out()).toMatch(/2 .*applied.*anna.*a sink/);
  const shown = context({ json: true });
  await showPublication(shown, 2, {});
  expect(JSON.parse(shown.out())).toMatchObject({ number: 2, who: 'anna', origin: 'command line' });

  expect(await revertPublication(context(), 2, { yes: true }, never)).toBe(ExitCode.ok);
  expect(readFileSync(join(directory, 'brimful.yaml'), 'utf8')).toBe(CONFIG);
});

test('what cannot be applied has an exit code of its own', async () => {
  await (await openStore(join(directory, 'data')))[Symbol.asyncDispose]();
  const unreachable = new Error('there is no fake://me:s3cret@db');
  const shown = context({ unreachable });
  expect(await planCatalog(shown, {})).toBe(ExitCode.refused);
  expect(shown.out()).toContain('shop/fake: connection: there is no fake://me:***@db');
  expect(await planCatalog(context({ unreachable }), { unchecked: true })).toBe(ExitCode.changes);
  const unknown = await showPublication(context(), 9, {}).catch((thrown: unknown) => thrown);
  expect(exitCodeOf(problemsOf(unknown))).toBe(ExitCode.usage);
});
