import type { StreamPart } from '@brimful/connector';
import { expect, test } from 'vitest';
import type { CapturedResource } from './captured-resource.ts';
import { failIfLeftOut, followedBy } from './followed.ts';

/** As far as it is looked at. */
function resource(
  name: string,
  collection: string,
  checkpoint: unknown,
  told: StreamPart[] = [],
): CapturedResource {
  const seen: Pick<CapturedResource, 'name' | 'collection' | 'follow'> & { readonly current: unknown } = {
    name,
    collection,
    current: { writer: { head: { checkpoint } } },
    follow: async (parts) => void told.push(...parts),
  };
  return seen as unknown as CapturedResource;
}

const BEGUN = { some: 'checkpoint' };

// Invariant 4
test.each([
  ['not followed by the last session', { 'shop/other': 'public.other' }, true],
  ['filled by another table', { 'shop/orders': 'public.customers' }, true],
  ['followed', { 'shop/orders': 'public.orders' }, false],
  ['of a version that noted nothing', undefined, false],
])('a journal that has begun and was %s', async (_, followed, isFailed) => {
  const told: StreamPart[] = [];
  await failIfLeftOut(resource('public.orders', 'shop/orders', BEGUN, told), followed);
  const failed = told.map((part) => part.kind === 'failed' && part.problem.code);
  expect(failed).toEqual(isFailed ? ['BRM-CAPTURE-LEFT-OUT'] : []);
});

test('one that begins now has missed nothing', async () => {
  const told: StreamPart[] = [];
  await failIfLeftOut(resource('public.orders', 'shop/orders', undefined, told), {});
  expect(told).toEqual([]);
});

test('what is followed is noted by collection', () => {
  const all = [resource('public.orders', 'shop/orders', BEGUN), resource('s.x', 'shop/s/x', undefined)];
  expect(followedBy(all)).toEqual({ 'shop/orders': 'public.orders', 'shop/s/x': 's.x' });
});
