import type { TableRequest } from '@brimful/connector';
import { expect, test } from 'vitest';
import { NullDestination } from './destination.ts';

const forever = new AbortController().signal;

function request(table: string, generation: number): TableRequest {
  return {
    id: { materialization: 'nowhere', table, generation },
    collection: `shop/${table}`,
    schema: { version: 1, columns: [], key: [] },
    deletes: 'hard',
    adopt: false,
  };
}

test('generations change places, keep their checkpoints, and a fenced writer can swap nothing', async () => {
  await using destination = new NullDestination(0);
  const live = await destination.open(request('orders', 1));
  const next = await destination.open(request('orders', 2));
  await destination.apply([{ table: next, actions: [], checkpoint: 'second' }], forever);
  expect([live.place, next.place]).toEqual(['live', 'beside']);
  await destination.swap([{ live, next }], forever);
  await destination.swap([{ live, next }], forever);
  expect([live.place, next.place]).toEqual(['beside', 'live']);
  const again = await destination.open(request('orders', 2));
  expect([again.place, again.checkpoint]).toEqual(['live', 'second']);
  // Invariant 3.
  await expect(destination.swap([{ live: next, next: live }], forever)).rejects.toMatchObject({
    code: 'BRM-DESTINATION-FENCED',
  });
  expect(again.place).toBe('live');
});

test('there is nothing to read, which is not the same as an empty table', async () => {
  await using destination = new NullDestination(0);
  const table = await destination.open(request('rows', 1));
  await expect(destination.read(table)).rejects.toMatchObject({ code: 'BRM-NULL-READ' });
  expect(await destination.survey()).toBeUndefined();
});
