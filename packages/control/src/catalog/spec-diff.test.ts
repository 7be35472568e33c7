import type { CaptureSpec, MaterializationSpec, Spec } from '@brimful/model';
import { describe, expect, test } from 'vitest';
import type { CatalogContent, CatalogFacts, SourceTable } from './catalog-content.ts';
import { NO_CONTENT } from './catalog-content.ts';
import { specDiff } from './spec-diff.ts';

const CAPTURE: CaptureSpec = {
  name: 'shop/postgres',
  connector: 'postgres',
  config: { url: 'postgres://me:hunter2@db/shop', slot: { name: 'a', temporary: false } },
  bindings: [{ resource: 'public.orders', target: 'shop/orders' }],
  autoDiscover: undefined,
};
const MATERIALIZATION: MaterializationSpec = {
  name: 'shop/warehouse',
  connector: 'duckdb',
  config: { path: 'w.duckdb' },
  source: 'shop/postgres',
  bindings: [],
  deletes: 'hard',
  adopt: false,
};

function content(parts: Partial<Spec> = {}): CatalogContent {
  const spec = { ...NO_CONTENT.spec, captures: [CAPTURE], materializations: [MATERIALIZATION], ...parts };
  return { spec, settings: [] };
}

function facts(parts: Partial<CatalogFacts> = {}): CatalogFacts {
  return { sources: new Map(), captured: new Set(['shop/orders']), slots: new Map(), ...parts };
}

function table(name: string, rows: number): SourceTable {
  return {
    name: `public.${name}`,
    suggestedTarget: name,
    rows,
    bytes: rows * 100,
    quality: 'statistics',
    isRefused: false,
  };
}

const told = (before: CatalogContent, after: CatalogContent, known = facts()): unknown[] =>
  specDiff(before, after, known).map(({ action, subject, consequence }) => [action, subject, consequence]);

test('what says the same in another order or place of the file changes nothing', () => {
  const config = { slot: { temporary: false, name: 'a' }, url: 'postgres://me:hunter2@db/shop' };
  const moved = { ...CAPTURE, config, at: { file: 'brimful.yaml', line: 7, column: 1 } };
  expect(specDiff(content(), content({ captures: [moved] }), facts())).toEqual([]);
});

describe('tables', () => {
  test('that a capture takes by itself are found where the source is known, with what reading them costs', () => {
    const autoDiscover = { schemas: undefined, exclude: [], prefix: 'shop' };
    const after = content({ captures: [{ ...CAPTURE, autoDiscover }] });
    const refused = { ...table('odd', 5), isRefused: true };
    const sources = new Map([['shop/postgres', [table('orders', 9), table('lines', 1_200_000), refused]]]);
    const changes = specDiff(content(), after, facts({ sources }));
    expect(changes.map(({ subject, consequence }) => [subject, consequence])).toEqual([
      ['shop/postgres', 'restarts'],
      ['public.lines', 'first read'],
      ['lines', 'load'],
    ]);
    expect(changes[1]).toMatchObject({
      effect: 'Its first read begins, about 1,200,000 rows.',
      rows: { value: 1_200_000, quality: 'statistics' },
    });
    expect(told(content(), after)).toEqual([['change', 'shop/postgres', 'restarts']]);
  });

  test('that were captured before have lost changes, whichever table fills them', () => {
    const bound = { ...CAPTURE, bindings: [{ resource: 'public.customers', target: 'shop/orders' }] };
    const changes = specDiff(content(), content({ captures: [bound] }), facts());
    expect(changes.map(({ action, subject, consequence }) => [action, subject, consequence])).toEqual([
      ['add', 'public.customers', 'backfill'],
      ['remove', 'public.orders', 'stops'],
    ]);
    expect(changes[0]?.command).toBe(
      'brimful backfill run shop/postgres --binding shop/orders --mode reset --reason "captured again"',
    );
  });

  test('that get another name are others; the old one stays', () => {
    const bindings = [{ source: 'shop/orders', table: 'sales', deletes: 'hard', adopt: false }] as const;
    expect(told(content(), content({ materializations: [{ ...MATERIALIZATION, bindings }] }))).toEqual([
      ['remove', 'orders', 'stops'],
      ['add', 'sales', 'load'],
    ]);
  });

  test('of a thousand, a hundred are told, and the others counted with their rows', () => {
    const bindings = Array.from({ length: 1001 }, (_, index) => ({
      resource: `public.t${index}`,
      target: `shop/t${index}`,
    }));
    const many = content({ captures: [{ ...CAPTURE, bindings }], materializations: [] });
    const sources = new Map([['shop/postgres', bindings.map((_, index) => table(`t${index}`, 10))]]);
    const changes = specDiff(NO_CONTENT, many, facts({ sources, captured: new Set() }));
    expect(changes).toHaveLength(102);
    expect(changes[0]).toMatchObject({ effect: 'The first read of 1,001 tables begins, about 10,010 rows.' });
    expect(changes[101]).toMatchObject({ subject: '901 more', rows: { value: 9010 } });
  });
});

describe('captures and materializations', () => {
  test('a config changes by the names of its fields, never by what is in them (Invariant 10)', () => {
    const config = { ...(CAPTURE.config as object), url: 'postgres://me:hunter3@db/shop' };
    const changes = specDiff(content(), content({ captures: [{ ...CAPTURE, config }] }), facts());
    expect(changes).toMatchObject([
      { sentence: 'shop/postgres: url of its config changes.', consequence: 'restarts' },
    ]);
    expect(JSON.stringify(changes)).not.toContain('hunter');
  });

  test('one that goes leaves its slot, and how to drop it is said; one that comes back goes on', () => {
    const slots = new Map([['shop/postgres', "brimful_shop's"]]);
    const without = content({ captures: [], materializations: [] });
    const [gone] = specDiff(content(), without, facts({ slots }));
    expect(gone).toMatchObject({
      consequence: 'stops',
      command: "SELECT pg_drop_replication_slot('brimful_shop''s')",
    });
    expect(told(without, content({ materializations: [] }), facts({ slots }))).toEqual([
      ['add', 'shop/postgres', 'restarts'],
      ['add', 'public.orders', 'restarts'],
    ]);
  });
});

test('of settings it is said what they become, of secrets only that they change', () => {
  const setting = (value: string, compared: string, needsRestart: boolean): CatalogContent['settings'] => [
    { name: 'server.password', value, compared, needsRestart },
  ];
  const [before, after] = [
    { ...content(), settings: setting('set', 'a', true) },
    { ...content(), settings: setting('set', 'b', true) },
  ];
  expect(specDiff(before, after, facts())).toMatchObject([
    { sentence: 'server.password changes.', consequence: 'server restart' },
  ]);
});
