import { once } from 'node:events';
import { expect, test } from 'vitest';
import type { ControlTarget, VerifyProgress } from './control-target.ts';
import { verifying } from './verifying.ts';

const REQUEST = { target: 'shop/orders', bindings: null, level: 'full' } as const;

function progress(rows: number): VerifyProgress {
  return { subject: 'shop/orders', stage: 'table', rows };
}

function items(verify: ControlTarget['verify']): ReturnType<typeof verifying> {
  const target = { verify } as ControlTarget;
  return verifying(target, REQUEST, new AbortController().signal);
}

test('who stops in the middle, without a signal, ends the work', async () => {
  const ended = Promise.withResolvers<void>();
  const work = items(async (_request, signal, onProgress) => {
    onProgress(progress(1));
    await once(signal, 'abort');
    ended.resolve();
    throw signal.reason;
  });
  expect(await work.next()).toMatchObject({ value: { progress: { rows: 1 } } });
  await work.return();
  await ended.promise;
});

test('progress that nobody took in time is dropped for what came after it, and the reports come last', async () => {
  const more = Promise.withResolvers<void>();
  const work = items(async (_request, _signal, onProgress) => {
    onProgress(progress(1));
    onProgress(progress(2));
    await more.promise;
    onProgress(progress(3));
    return [];
  });
  expect(await work.next()).toMatchObject({ value: { progress: { rows: 2 } } });
  more.resolve();
  const rest: unknown[] = [];
  for await (const item of work) rest.push(item);
  expect(rest.at(-1)).toEqual({ reports: [] });
});

test('a verification that fails says why', async () => {
  const work = items(() => Promise.reject(new Error('the source is gone')));
  await expect(work.next()).rejects.toThrow('the source is gone');
});
