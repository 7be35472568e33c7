import { describe, expect, test } from 'vitest';
import { CatalogText } from './catalog-text.ts';
import { choiceOf, takingOf, withSchema, withTable } from './table-choice.ts';

const PATH = ['captures', 'shop/postgres'];

function withCapture(lines: string): CatalogText {
  return CatalogText.parse(`captures:\n  shop/postgres:\n    connector: postgres\n${lines}`);
}

function taken(catalog: CatalogText, ...resources: readonly string[]): readonly (string | null)[] {
  return resources.map((resource) => takingOf(choiceOf(catalog.at(PATH)), resource));
}

describe('the boxes of tables', () => {
  test('without the last named table nothing is captured, rather than everything', () => {
    const one = withCapture('    bindings:\n      - { resource: public.orders }\n');
    const none = withTable(one, 'shop/postgres', 'public.orders', false);
    expect(none.at(PATH)).toEqual({ connector: 'postgres', autoDiscover: false });
    expect(taken(none, 'public.orders', 'public.other')).toEqual([null, null]);
  });

  test('all but one, and that one again, where all are taken because nothing else is said', () => {
    const all = withCapture('');
    const but = withTable(all, 'shop/postgres', 'public.orders', false);
    expect(taken(but, 'public.orders', 'public.other')).toEqual([null, 'followed']);
    expect(taken(withTable(but, 'shop/postgres', 'public.orders', true), 'public.orders')).toEqual([
      'followed',
    ]);
  });

  test('a table that a pattern leaves out is named itself', () => {
    const some = withCapture('    autoDiscover: { schemas: [public], exclude: [public.tmp_*] }\n');
    expect(taken(some, 'public.tmp_1', 'public.a', 'audit.a')).toEqual([null, 'followed', null]);
    const named = withTable(some, 'shop/postgres', 'public.tmp_1', true);
    expect(taken(named, 'public.tmp_1', 'public.tmp_2', 'public.a')).toEqual(['named', null, 'followed']);
  });

  test('a table that is named and followed is left out of both', () => {
    const both = withCapture(
      '    autoDiscover: true\n    bindings:\n      - { resource: public.a, target: shop/b }\n',
    );
    expect(taken(withTable(both, 'shop/postgres', 'public.a', false), 'public.a', 'public.c')).toEqual([
      null,
      'followed',
    ]);
  });

  test('one schema off leaves the others, and named tables, as they are', () => {
    const all = withCapture('    autoDiscover: true\n    bindings:\n      - { resource: audit.events }\n');
    const known = ['audit', 'public', 'sales'];
    const some = withSchema(all, 'shop/postgres', 'audit', false, known);
    expect(taken(some, 'audit.events', 'audit.x', 'public.x', 'sales.x')).toEqual([
      'named',
      null,
      'followed',
      'followed',
    ]);
    const back = withSchema(some, 'shop/postgres', 'audit', true, known);
    expect(taken(back, 'audit.x')).toEqual(['followed']);
    const off = known.reduce(
      (catalog, schema) => withSchema(catalog, 'shop/postgres', schema, false, known),
      all,
    );
    expect(taken(off, 'public.x', 'audit.events')).toEqual([null, 'named']);
  });
});
