import fc from 'fast-check';
import colors from 'picocolors';
import { expect, test } from 'vitest';
import {
  captureBinding,
  captureStatus,
  materializationBinding,
  materializationStatus,
  runtimeStatus,
  VALUE_PROBLEM,
} from '../testing/statuses.ts';
import { progressView } from './progress-view.ts';
import { textWidth } from './width.ts';

const plain = colors.createColors(false);

const AT_WORK = runtimeStatus({
  captures: [
    captureStatus([
      captureBinding('customers', 'streaming', { rowsRead: 50_000, bytesRead: 6_100_000, changes: 1204 }),
      captureBinding('orders', 'backfilling', {
        rowsRead: 612_345,
        rowsEstimated: 1_001_000,
        bytesRead: 90_200_000,
        bytesEstimated: 147e6,
        rowsPerSecond: 410_000,
        bytesPerSecond: 60e6,
        etaSeconds: 0.9,
      }),
      captureBinding('products', 'failed', { rowsRead: 17, problem: VALUE_PROBLEM }),
      captureBinding('a_table_with_a_name_that_is_rather_long_for_a_terminal', 'waiting', {
        rowsEstimated: 12_000_000,
      }),
    ]),
  ],
  materializations: [
    materializationStatus(
      [
        materializationBinding('customers', 'live', {
          offset: 9,
          next: 9,
          rowsWritten: 50_000,
          bytesWritten: 6_100_000,
          lagMilliseconds: 640,
        }),
        materializationBinding('orders', 'loading', {
          offset: 31,
          next: 62,
          rowsWritten: 300_000,
          bytesWritten: 45_000_000,
          rowsPerSecond: 380_000,
        }),
      ],
      { waiting: 'file in use by pid 42', lagMilliseconds: 1200 },
    ),
  ],
});

test('at 80 columns', () => {
  expect(`\n${progressView(AT_WORK, { columns: 80, rows: 40, colors: plain }).join('\n')}\n`)
    .toMatchInlineSnapshot(`
      "
      ● shop/postgres  Backfilling 2 of 3 bindings, streaming …  lag 12 ms · 1.23 kB …
        public.products    failed                       17
        public.orders      backfilling 61 %  612 k/~1.00 M 90.2 MB  410 k/s   1 s left
        public.a_table_wi… waiting               0/~12.0 M
        public.customers   streaming                50.0 k 6.10 MB             +1.20 k
        ✗ public.products (row key id=4711) The value of column price of row id=4711
          cannot be represented exactly. [BRM-PG-VALUE]
          → Correct the row at the source, then restart the table with: brimful up
      ● shop/warehouse  Loading 1 of 2 tables  file in use by pid 42 · lag 1.2 s
        orders             loading     29 %          300 k 45.0 MB  380 k/s    31 left
        customers          live                     50.0 k 6.10 MB          lag 640 ms
      Journals hold 512 MB, 80.0 GB free
      "
    `);
});

test('at 120 columns there is room for bars and names', () => {
  expect(`\n${progressView(AT_WORK, { columns: 120, rows: 40, colors: plain }).join('\n')}\n`)
    .toMatchInlineSnapshot(`
      "
      ● shop/postgres  Backfilling 2 of 3 bindings, streaming change events beside it  lag 12 ms · 1.23 kB · 310 changes/s
        public.products                          failed                                        17
        public.orders                            backfilling ██████████░░░░░░ 61 %  612 k/~1.00 M 90.2 MB  410 k/s   1 s left
        public.a_table_with_a_name_that_is_rath… waiting                                0/~12.0 M
        public.customers                         streaming                                 50.0 k 6.10 MB             +1.20 k
        ✗ public.products (row key id=4711) The value of column price of row id=4711 cannot be represented exactly.
          [BRM-PG-VALUE]
          → Correct the row at the source, then restart the table with: brimful up
      ● shop/warehouse  Loading 1 of 2 tables  file in use by pid 42 · lag 1.2 s
        orders                                   loading     █████░░░░░░░░░░░ 29 %          300 k 45.0 MB  380 k/s    31 left
        customers                                live                                      50.0 k 6.10 MB          lag 640 ms
      Journals hold 512 MB, 80.0 GB free
      "
    `);
});

const THOUSAND = runtimeStatus({
  captures: [
    captureStatus(
      Array.from({ length: 1000 }, (_, index) =>
        captureBinding(
          `t${String(index).padStart(4, '0')}`,
          index === 700
            ? 'failed'
            : index % 300 === 5
              ? 'backfilling'
              : index < 500
                ? 'streaming'
                : 'waiting',
          index === 700 ? { problem: VALUE_PROBLEM } : { rowsRead: 1, rowsEstimated: 2 },
        ),
      ),
      { sentence: 'Backfilling 4 of 1,000 bindings' },
    ),
  ],
  materializations: [
    materializationStatus(
      Array.from({ length: 1000 }, (_, index) => materializationBinding(`t${index}`, 'live')),
      { sentence: 'Live: all 1,000 tables are current' },
    ),
  ],
});

test('with 1,000 tables in 24 lines the failed and the working ones are shown, the rest counted', () => {
  expect(`\n${progressView(THOUSAND, { columns: 80, rows: 23, colors: plain }).join('\n')}\n`)
    .toMatchInlineSnapshot(`
    "
    ● shop/postgres  Backfilling 4 of 1,000 bindings  lag 12 ms · 1.23 kB · 310 cha…
      public.t0700 failed
      public.t0005 backfilling 50 %           1/~2
      public.t0305 backfilling 50 %           1/~2
      public.t0605 backfilling 50 %           1/~2
      public.t0905 backfilling 50 %           1/~2
      public.t0500 waiting                    1/~2
      public.t0501 waiting                    1/~2
      public.t0502 waiting                    1/~2
      … 992 more: 494 waiting, 498 streaming
      ✗ public.t0700 (row key id=4711) The value of column price of row id=4711
        cannot be represented exactly. [BRM-PG-VALUE]
        → Correct the row at the source, then restart the table with: brimful up
    ● shop/warehouse  Live: all 1,000 tables are current
      t0           live
      t1           live
      t10          live
      t100         live
      t101         live
      t102         live
      t103         live
      … 993 more: 993 live
    Journals hold 512 MB, 80.0 GB free
    "
  `);
});

test('no line is wider than the terminal and no frame higher, whatever the size and the names', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 20, max: 200 }),
      fc.integer({ min: 1, max: 60 }),
      fc.array(fc.tuple(fc.string({ unit: 'grapheme', maxLength: 60 }), fc.integer({ min: 0, max: 1e15 })), {
        maxLength: 40,
      }),
      fc.boolean(),
      (columns, rows, tables, colored) => {
        const status = runtimeStatus({
          captures: [
            captureStatus(
              tables.map(([name, number], index) =>
                captureBinding(name, index % 3 === 0 ? 'backfilling' : 'failed', {
                  rowsRead: number,
                  rowsEstimated: number + 1,
                  bytesRead: number,
                  rowsPerSecond: number,
                  etaSeconds: number,
                  ...(index % 3 === 0
                    ? {}
                    : {
                        problem: { ...VALUE_PROBLEM, message: name },
                        proposal: { command: `brimful backfill run ${name}`, sentence: name },
                      }),
                }),
              ),
            ),
          ],
          materializations: [
            materializationStatus(tables.map(([name]) => materializationBinding(name, 'live'))),
          ],
        });
        const view = progressView(status, { columns, rows, colors: colors.createColors(colored) });
        expect(view.length).toBeLessThanOrEqual(rows);
        for (const line of view) expect(textWidth(line)).toBeLessThanOrEqual(columns);
      },
    ),
    { seed: 11 },
  );
});

test('a problem that a run mends is shown with that run, ready to be copied', () => {
  const proposal = {
    sentence: 'Read stars of shop/reviews again, in place: older rows have other values at the source.',
    command:
      'brimful backfill run shop/postgres --binding shop/reviews --mode incremental --columns stars --reason "rewritten at the source"',
  };
  const problem = {
    code: 'BRM-PG-REWRITTEN',
    kind: 'operator',
    message: 'ALTER TABLE computed new values for stars of public.reviews.',
    remedy: 'Reset its collection.',
    at: { table: 'public.reviews', columns: 'stars' },
  } as const;
  const status = runtimeStatus({
    captures: [captureStatus([captureBinding('reviews', 'streaming', { problem, proposal })])],
  });
  const view = progressView(status, { columns: 80, rows: Infinity, colors: plain });
  expect(`\n${view.slice(2, -1).join('\n')}\n`).toMatchInlineSnapshot(`
    "
      ✗ public.reviews ALTER TABLE computed new values for stars of public.reviews.
        [BRM-PG-REWRITTEN]
        → Read stars of shop/reviews again, in place: older rows have other values
          at the source.
          brimful backfill run shop/postgres --binding shop/reviews --mode \\
            incremental --columns stars --reason "rewritten at the source"
    "
  `);
});
