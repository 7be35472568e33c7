import { expect, test } from 'vitest';
import { ArmedFaults } from './faults.ts';
import { openFileStore } from './file-store.ts';
import { makeTestDirectory, rowsFor } from './testing-directory.ts';

const JOURNALS = 1_000;

test(`appends to ${JOURNALS} journals that wait together share a sync, and a fenced one fails alone`, async () => {
  await using directory = await makeTestDirectory();
  const faults = new ArmedFaults();
  await using store = await openFileStore(directory.path, { faults });
  const blocker = await store.journals.open('blocker');
  const writers = await Promise.all(
    Array.from({ length: JOURNALS }, (_, index) => store.journals.open(`j/${index}`)),
  );
  await store.journals.open('j/500');
  const before = store.counters.commits;

  // While the thread is held up by one append, all others queue behind it, in as many turns as it takes.
  faults.arm('append', 'slow');
  const held = blocker.append([rowsFor('blocker', 0, 10)], {});
  await new Promise((resolve) => setTimeout(resolve, 20));
  const records = Array.from({ length: 100 }, (_, index) => store.registry.put(`k/${index}`, index));
  const outcomes = await Promise.allSettled(
    writers.map((writer, index) => writer.append([rowsFor('j', index, 500)], {})),
  );
  await Promise.all([held, ...records]);

  expect(store.counters.commits - before).toBeLessThanOrEqual(3);
  const failed = outcomes.flatMap((outcome, index) =>
    outcome.status === 'rejected' ? [[index, outcome.reason]] : [],
  );
  expect(failed).toEqual([[500, expect.objectContaining({ code: 'BRM-STORE-FENCED' })]]);
  expect((await store.journals.state('j/500'))?.next).toBe(0);
  expect((await store.journals.state('j/999'))?.next).toBe(1);
});

test(
  'the log is copied into the database and starts afresh under steady writing',
  { timeout: 60_000 },
  async () => {
    await using directory = await makeTestDirectory();
    await using store = await openFileStore(directory.path);
    const writer = await store.journals.open('j');
    const entries = Array.from({ length: 20 }, (_, index) => rowsFor('j', index, 100_000));
    for (let round = 0; round < 150; round += 1) await writer.append(entries, round);
    expect(store.counters.checkpoints).toBeGreaterThan(2);
    const { usedBytes } = await store.space();
    // 300 MB of entries, and a log of far less.
    expect(usedBytes).toBeLessThan(300_000_000 * 1.1 + 200_000_000);
  },
);
