import colors from 'picocolors';
import { expect, test } from 'vitest';
import { aRun, backfillPlan, MADE_AT, runBinding, verification } from '../testing/runs.ts';
import { captureBinding, captureStatus, runtimeStatus, VALUE_PROBLEM } from '../testing/statuses.ts';
import { progressView } from './progress-view.ts';
import { runPage } from './run-page.ts';
import { runTable } from './run-table.ts';
import { isPass, verificationPage } from './verification-page.ts';
import { textWidth } from './width.ts';

const plain = { columns: 80, colors: colors.createColors(false), timeZone: 'Europe/Berlin' };

const AT_WORK = aRun({
  state: 'throttled',
  because: 'the source answers in 12 ms instead of 0.6 ms',
  throttle: { bytesPerSecond: 20e6, readers: 2 },
  bindings: [
    runBinding(),
    runBinding({ collection: 'shop/customers', state: 'failed', problem: VALUE_PROBLEM }),
  ],
});

const SWAPPED = aRun({
  id: 'run-000003',
  state: 'swapped',
  createdAt: MADE_AT - 3_600_000,
  endedAt: MADE_AT + 31_000,
  undoUntil: MADE_AT + 864e5,
  bindings: [
    runBinding({
      state: 'swapped',
      done: 1,
      rowsRead: 1_000_412,
      verifications: [
        verification({ sides: 'source and collection', subject: 'shop/orders', asOf: '0/77F01B8' }),
        verification(),
      ],
    }),
  ],
  report: {
    seconds: 31,
    rows: 1_000_412,
    bytes: 147e6,
    deleted: 12,
    rowsRatio: 1.0006,
    secondsRatio: 0.7,
    swapMilliseconds: 14,
    verdict: 'equal',
  },
});

test('a run at work says why it is slow, what failed and what to do', () => {
  expect(`\n${runPage(AT_WORK, plain).join('\n')}\n`).toMatchInlineSnapshot(`
    "
    ▷ run-12  reset of shop/orders  throttled  42 % · 820 k rows/s · 2 s left
      why        schema cleanup (anna)
      rows       the whole table
      plan       plan-0a1b2c3d4e5f
      when       made 2026-11-22 20:40, began 20:40:01
      limits     at most 20.0 MB/s, 2 at once
      throttled  the source answers in 12 ms instead of 0.6 ms

    Tables
      shop/orders    reading     42 %  420 k/~1.00 M 61.0 MB  410 k/s   2 s left
      shop/customers failed                    420 k 61.0 MB
          error: The value of column price of row id=4711 cannot be represented
          exactly.
          at table public.products, row key id=4711
          Correct the row at the source, then restart the table with: brimful up
          BRM-PG-VALUE

    History
      2026-11-22 20:40:00  anna    applied plan-0a1b2c3d4e5f
                 20:40:01  system  shop/orders: reading
    "
  `);
});

test('a run that is swapped in shows its report beside the estimate, and how to undo it', () => {
  expect(`\n${runPage(SWAPPED, plain).join('\n')}\n`).toMatchInlineSnapshot(`
    "
    ✓ run-000003  reset of shop/orders  swapped
      why   schema cleanup (anna)
      rows  the whole table
      plan  plan-0a1b2c3d4e5f
      when  made 2026-11-22 19:40, began 20:40:01, ended 20:40:31

    Tables
      shop/orders swapped                  1.00 M 61.0 MB

    Compared
      ✓ shop/orders, source and collection: equal
        1,001,000 rows in 64 ranges, 64 equal; as of 0/77F01B8
      ✓ shop/warehouse: orders, collection and table: equal
        1,001,000 rows in 64 ranges, 64 equal; as of offset 812

    Report
      took     31 s (estimated 30 % less)
      read     1.00 M rows (as estimated), 147 MB
      removed  12 rows the source no longer has
      swap     kept readers waiting for at most 14 ms
      verdict  equal

    History
      2026-11-22 20:40:00  anna    applied plan-0a1b2c3d4e5f
                 20:40:01  system  shop/orders: reading

    It can be undone until 2026-11-23 20:40: brimful backfill undo run-000003
    "
  `);
});

test('the list: the newest first, plans that nobody applied below, expired ones not', () => {
  const plans = [
    backfillPlan({ id: 'plan-aaaaaaaaaaaa' }),
    backfillPlan({ id: 'plan-bbbbbbbbbbbb', expiresAt: MADE_AT }),
    backfillPlan(),
  ];
  const lines = runTable([SWAPPED, AT_WORK], plans, MADE_AT + 120_000, plain);
  expect(`\n${lines.join('\n')}\n`).toMatchInlineSnapshot(`
    "
    id                 what                  rows         state      done     age
    run-12             reset of shop/orders  whole table  throttled  42 %   2 min
    run-000003         reset of shop/orders  whole table  swapped          62 min
    plan-aaaaaaaaaaaa  reset of shop/orders  whole table  planned           2 min
    "
  `);
  for (const line of lines) expect(textWidth(line)).toBeLessThanOrEqual(80);
  expect(runTable([], [], MADE_AT, plain)).toEqual([
    'No runs, and no plans. Plan one: brimful backfill plan --help',
  ]);
});

test('the screen of a pipe shows runs that go on or can be undone, and no others', () => {
  const status = runtimeStatus({ captures: [captureStatus([captureBinding('orders', 'streaming')])] });
  const over = aRun({ id: 'run-000001', state: 'done' });
  const view = progressView(status, { ...plain, rows: 30 }, [over, SWAPPED, AT_WORK]);
  expect(`\n${view.join('\n')}\n`).toMatchInlineSnapshot(`
    "
    ● shop/postgres  Backfilling 2 of 3 bindings, streaming …  lag 12 ms · 1.23 kB …
      public.orders  streaming
    ✓ run-000003  reset of shop/orders  swapped  undo: brimful backfill undo 3
    ▷ run-12  reset of shop/orders  throttled: the source answers in 12 ms …  42 % …
      shop/customers failed                    420 k 61.0 MB
      shop/orders    reading     42 %  420 k/~1.00 M 61.0 MB  410 k/s   2 s left
      ✗ shop/customers (row key id=4711) The value of column price of row id=4711
        cannot be represented exactly. [BRM-PG-VALUE]
        → Correct the row at the source, then restart the table with: brimful up
    Journals hold 512 MB, 80.0 GB free
    "
  `);
});

test('a comparison: the verdict first, then every kind of difference; what was left out is no pass', () => {
  const divergent = verification({
    verdict: 'divergent',
    sides: 'source and collection',
    subject: 'shop/orders',
    rows: { left: 1_001_000, right: 1_000_999 },
    leaves: { total: 64, equal: 62, settled: 1, differing: 1 },
    onlyLeft: 1,
    different: 3,
    byColumn: { note: 1, total: 3 },
    sampleKeys: [['12'], ['99']],
  });
  const inconclusive = verification({ verdict: 'inconclusive', level: 'counts', skipped: ['it has no key'] });
  expect(`\n${verificationPage([verification(), divergent, inconclusive], plain).join('\n')}\n`)
    .toMatchInlineSnapshot(`
      "
        ✓ shop/warehouse: orders, collection and table: equal
          1,001,000 rows in 64 ranges, 64 equal; as of offset 812
        ✗ shop/orders, source and collection: divergent
          1,001,000 and 1,000,999 rows in 64 ranges, 62 equal, 1 after the stream
          caught up; as of offset 812
          - 1 row only in the source
          - 3 rows with other values
          - by column: total in 3 rows, note in 1 row
          - for example 12, 99
        ? shop/warehouse: orders, collection and table: inconclusive
          only counted: 1,001,000 rows, as of offset 812
          ! not looked at: it has no key

      1 of 3 comparisons found equal.
      Read again what differs; which way fits: brimful backfill --help
      "
    `);
  expect([verification(), divergent, inconclusive].map(isPass)).toEqual([true, false, false]);
  expect(isPass(verification({ problem: VALUE_PROBLEM }))).toBe(false);
});
