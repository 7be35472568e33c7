import fc from 'fast-check';
import colors from 'picocolors';
import { expect, test } from 'vitest';
import { backfillPlan, bindingPlan, runEstimate, runRequest, WHOLE_TABLE_GUARD } from '../testing/runs.ts';
import { obstacles } from './guard-lines.ts';
import { planPage } from './plan-page.ts';
import { textWidth } from './width.ts';

const plain = { columns: 80, colors: colors.createColors(false), timeZone: 'Europe/Berlin' };

function shown(plan = backfillPlan(), options = plain): string {
  return `\n${planPage(plan, options).join('\n')}\n`;
}

/** One section, without its title. */
function section(page: string, title: string): string {
  return (page.split(`\n${title}\n`)[1] ?? '').split('\n\n')[0] ?? '';
}

test('a reset at 80 columns', () => {
  expect(shown()).toMatchInlineSnapshot(`
    "
    plan-0a1b2c3d4e5f  reset of shop/orders
      made 2026-11-22 20:40, good until 2026-11-23 20:40
      of     shop/postgres
      why    schema cleanup (anna)
      rows   the whole table
      how    rows the source no longer has go (at most 5 % of a table); compared in
             full; undo for 1 d
      as of  source position 24A/77F01B8, statistics of 2026-11-22 20:00

    What it touches
      collection   generation       rows      bytes  read by
      shop/orders  1 → 2         ~1.00 M    ≈147 MB  pages in order
        source     public.orders
        first row  id = 1, created_at = 2024-01-01 00:00:12+00, note = ∅
        last row   id = 1001000, created_at = 2026-11-22 19:39:58+00, note = leave …
        table      shop/warehouse: orders (1.00 M rows, 118 MB), rebuilt beside and
                   swapped in (1 → 2)
                   ✓ view sales_by_day: made anew in the same transaction
                   ✓ grant SELECT to reporting
      (≈ sampled, ~ from the source's statistics, ≥ at least, no mark: exact)

    What happens, level by level
       0  read    read about 1,001,000 rows of public.orders into generation 2 of
                  shop/orders
       1  build   build the next table of orders in shop/warehouse beside the
                  present one
          verify  compare every row of the source, the collection and the next table
       2  swap    swap the next table of orders in shop/warehouse in
       3  keep    keep the previous generation current for 24 h, so that it can be
                  undone

    What it costs
      reads     ~1.00 M rows, ≈147 MB
      takes     ≈12 s to 45 s (rates of the last 3 runs)
      source    163 MB read from its disk or cache; keeps 12.0 MB of its log
                meanwhile, it may keep 4.00 GB (under 1 %)
      writes    1.00 M rows, 147 MB at destinations
      storage   at its peak 61.0 MB more here, 150 MB more at destinations
      price     not known: set backfill.prices in the configuration
      downtime  none: readers always see a whole table

    Guards
      ? whole-table, shop/orders: The whole table is read, about 1,001,000 rows.
          seen: reltuples 1001000 on 18248 pages
          → Bound the run with --mode incremental --time <column> --from … if a part
            is enough.
          → if that is what you want: --acknowledge whole-table
      ! open-transaction, shop/postgres: A transaction has been open for 2 h; chunks
        wait until it ends.
          seen: pid 4711, idle in transaction since 17:38
          → End it: SELECT pg_terminate_backend(4711);
      ✓ one-rebuild, shop/orders: No other run rebuilds it.

    Cheaper ways
      - The columns did not change: an incremental run over created_at ≥ 2026-11-01
        reads 3 % of it.
    "
  `);
});

test('a time range is shown in its zone and in UTC, half-open; windows, rates and columns are said', () => {
  const request = runRequest({
    mode: 'incremental',
    scope: {
      kind: 'time',
      column: 'created_at',
      from: '2025-12-31T23:00:00Z',
      to: '2026-01-31T23:00:00Z',
      zone: 'Europe/Berlin',
    },
    columns: ['total', 'note'],
    missingRows: 'keep',
    windows: [{ cron: '0 22 * * *', minutes: 480, zone: 'Europe/Berlin' }],
    throttle: { bytesPerSecond: 20e6, readers: 2 },
  });
  const binding = bindingPlan({
    generation: { from: 2, to: 2 },
    tables: [
      {
        materialization: 'shop/warehouse',
        table: 'orders',
        generation: { from: 2, to: 2 },
        rows: null,
        bytes: null,
        dependents: [],
      },
    ],
    firstRow: null,
    lastRow: null,
  });
  const page = shown(backfillPlan({ request, bindings: [binding] }));
  expect(page.split('\n\n')[0]).toMatchInlineSnapshot(`
    "
    plan-0a1b2c3d4e5f  incremental of shop/orders
      made 2026-11-22 20:40, good until 2026-11-23 20:40
      of       shop/postgres
      why      schema cleanup (anna)
      rows     2026-01-01 00:00 ≤ created_at < 2026-02-01 00:00 Europe/Berlin
               2025-12-31T23:00:00Z ≤ … < 2026-01-31T23:00:00Z UTC
      columns  only total, note
      how      rows the source no longer has are kept; compared in full; at most
               20.0 MB/s; at most 2 readers; only from "0 22 * * *" Europe/Berlin
               for 480 min
      as of    source position 24A/77F01B8, statistics of 2026-11-22 20:00"
  `);
  expect(section(page, 'What it touches')).toContain('2, stays');
  expect(section(page, 'What it touches')).toContain('shop/warehouse: orders, merged into in place');
  expect(section(page, 'What it costs')).toContain('without closed windows');
});

test('other bounds in words; a column without a zone has bounds without one', () => {
  const rows = (scope: Parameters<typeof runRequest>[0]): string =>
    /rows {3}(.*)/.exec(shown(backfillPlan({ request: runRequest(scope) })))?.[1] ?? '';
  expect(rows({ scope: { kind: 'key', from: ['1000'], to: ['2000'] } })).toBe('1000 ≤ key < 2000');
  expect(rows({ scope: { kind: 'key', from: ['DE', '7'], to: null } })).toBe('(DE, 7) ≤ key');
  expect(rows({ scope: { kind: 'keys', keys: [['1'], ['2']] } })).toBe('2 rows by key');
  const local = { kind: 'time', column: 'day', from: null, to: '2026-02-01T00:00:00', zone: 'UTC' } as const;
  expect(rows({ scope: local })).toBe('day < 2026-02-01T00:00:00');
});

test('the gravest guard comes first; what is acknowledged is no obstacle, a block always is', () => {
  const block = {
    ...WHOLE_TABLE_GUARD,
    id: 'policies',
    level: 'block' as const,
    message: 'A policy cannot be carried.',
  };
  const plan = backfillPlan({
    guards: [WHOLE_TABLE_GUARD, block],
    request: runRequest({ acknowledged: ['whole-table', 'policies'] }),
  });
  expect(section(shown(plan), 'Guards')).toMatchInlineSnapshot(`
    "  ✗ policies, shop/orders: A policy cannot be carried.
          seen: reltuples 1001000 on 18248 pages
          → Bound the run with --mode incremental --time <column> --from … if a part
            is enough.
      ? whole-table, shop/orders: The whole table is read, about 1,001,000 rows.
          seen: reltuples 1001000 on 18248 pages
          → Bound the run with --mode incremental --time <column> --from … if a part
            is enough.
          acknowledged"
  `);
  expect(obstacles(plan)).toEqual({ blocking: [block], unconfirmed: [] });
  expect(obstacles(backfillPlan()).unconfirmed).toEqual([WHOLE_TABLE_GUARD]);
  expect(obstacles(backfillPlan(), ['whole-table']).unconfirmed).toEqual([]);
});

test('costs: a price with its lines, no room for the log, a dependent that is not carried', () => {
  const estimate = runEstimate({
    seconds: { from: 7200, to: 7200, quality: 'at least' },
    walHeadroomBytes: null,
    price: { amount: 1.5, currency: 'EUR', lines: ['source: 163 MB read at 0.01', 'storage: 150 MB'] },
  });
  const page = shown(backfillPlan({ estimate }));
  expect(section(page, 'What it costs')).toMatchInlineSnapshot(`
    "  reads     ~1.00 M rows, ≈147 MB
      takes     ≥ 2 h (rates of the last 3 runs)
      source    163 MB read from its disk or cache; keeps 12.0 MB of its log
                meanwhile, it has no limit for that
      writes    1.00 M rows, 147 MB at destinations
      storage   at its peak 61.0 MB more here, 150 MB more at destinations
      price     1.50 EUR
                source: 163 MB read at 0.01
                storage: 150 MB
      downtime  none: readers always see a whole table"
  `);
});

test('where the same is done to several tables, each line says to which', () => {
  const stages = ['shop/duck: orders', 'shop/copy: orders'].map((subject) => ({
    kind: 'swap' as const,
    subject,
    sentence: 'exchange the names',
    level: 0,
  }));
  expect(section(shown(backfillPlan({ stages })), 'What happens, level by level')).toBe(
    '   0  swap  exchange the names (shop/duck: orders)\n      swap  exchange the names (shop/copy: orders)',
  );
});

test('names and values cannot steer the terminal', () => {
  const escape = '\u{1B}[2J';
  const page = planPage(
    backfillPlan({
      request: runRequest({ reason: `a${escape}b` }),
      bindings: [bindingPlan({ collection: `shop/${escape}`, firstRow: { [`x${escape}`]: escape } })],
    }),
    plain,
  );
  expect(page.join('\n')).not.toContain('\u{1B}');
});

test('no line is wider than 100 columns or the terminal, but for words that cannot be broken', () => {
  const word = fc.string({ unit: 'grapheme', maxLength: 20 }).map((text) => text.replaceAll(/\s/g, ''));
  const sentence = fc.array(word, { maxLength: 30 }).map((words) => words.join(' '));
  fc.assert(
    fc.property(
      fc.integer({ min: 80, max: 200 }),
      sentence,
      word,
      fc.boolean(),
      (columns, text, name, colored) => {
        const plan = backfillPlan({
          request: runRequest({ reason: text }),
          guards: [{ ...WHOLE_TABLE_GUARD, message: text, evidence: text, remedy: text }],
          alternatives: [text],
          bindings: [bindingPlan({ collection: name, readShape: text, firstRow: { [name]: text } })],
        });
        const lines = planPage(plan, { ...plain, columns, colors: colors.createColors(colored) });
        // Control characters grow when they are made harmless.
        const usual = lines.filter((line) => !/\\[xu]/.test(line));
        expect(Math.max(...usual.map(textWidth))).toBeLessThanOrEqual(Math.min(columns, 100));
      },
    ),
    { seed: 3 },
  );
});
