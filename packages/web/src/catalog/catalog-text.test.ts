import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { CatalogText } from './catalog-text.ts';
import type { PlainValue, ValuePath } from './plain-value.ts';
import { isPlainList, isPlainMap, isSameValue, withValueAt } from './plain-value.ts';

const WRITTEN = `# yaml-language-server: $schema=x.json
# What the shop keeps.

captures:
  # the first: about all
  shop/postgres:   # the live one
    connector: postgres
    config: { url: \${SHOP_DATABASE_URL}, readers: 2 }        # secrets come from the environment
    autoDiscover:
      schemas: [public]
      # exclude: [public.tmp_*]

  # Billing is slow: two readers.
  billing/postgres:
    connector: postgres
    config:
      host: billing.internal  # not the replica
      password: \${BILLING_PASSWORD:-none}
    bindings:
      - { resource: public.invoices, target: billing/invoices }   # since 2024
      # The ledger is large.
      - resource: public.ledger
        target: billing/ledger

materializations:
  shop/warehouse:
    connector: duckdb
    config: { path: warehouse.duckdb }
    source: shop/postgres
`;

const commentsOf = (text: string): readonly string[] => text.match(/#(?= ).*/gu) ?? [];

describe('a change of one value', () => {
  test('leaves every other character as it was, also where braces are variables', () => {
    const next = CatalogText.parse(WRITTEN).with(['captures', 'shop/postgres', 'config', 'readers'], 4);
    expect(next.text).toBe(WRITTEN.replace('readers: 2', 'readers: 4'));
    const named = next.with(['captures', 'billing/postgres', 'config', 'host'], '${BILLING_HOST}');
    expect(named.text).toBe(
      WRITTEN.replace('readers: 2', 'readers: 4').replace('billing.internal', '${BILLING_HOST}'),
    );
    expect(named.at(['captures', 'billing/postgres', 'config', 'host'])).toBe('${BILLING_HOST}');
  });

  test('a new key comes after the last of its block, before the comments of the next', () => {
    const next = CatalogText.parse(WRITTEN).with(['captures', 'billing/postgres', 'autoDiscover'], false);
    expect(next.text).toBe(
      WRITTEN.replace('target: billing/ledger\n', 'target: billing/ledger\n    autoDiscover: false\n'),
    );
  });

  test('a new item comes after the last of its list, in one line', () => {
    const path = ['captures', 'billing/postgres', 'bindings', 2];
    const next = CatalogText.parse(WRITTEN).with(path, { resource: 'public."a, b"' });
    expect(next.text).toContain('      - { resource: "public.\\"a, b\\"" }\n\nmaterializations:');
    expect(next.at([...path, 'resource'])).toBe('public."a, b"');
    expect(commentsOf(next.text)).toEqual(commentsOf(WRITTEN));
  });

  test('what is removed takes along what is said right above it, and nothing else', () => {
    const next = CatalogText.parse(WRITTEN).with(['captures', 'billing/postgres'], undefined);
    const start = WRITTEN.indexOf('\n  # Billing is slow');
    const end = WRITTEN.indexOf('\nmaterializations:');
    expect(next.text).toBe(WRITTEN.slice(0, start) + WRITTEN.slice(end));
    const first = CatalogText.parse(WRITTEN).with(['captures', 'shop/postgres'], undefined);
    expect(first.text).toContain('# the first: about all');
  });

  test('what stands in braces changes there', () => {
    const path = ['captures', 'billing/postgres', 'bindings', 0, 'target'];
    const gone = CatalogText.parse(WRITTEN).with(path, undefined);
    expect(gone.text).toBe(WRITTEN.replace(', target: billing/invoices }', ' }'));
    const back = gone.with(path, 'billing/${NAME}, {all}');
    expect(back.text).toBe(WRITTEN.replace('billing/invoices }', '"billing/${NAME}, {all}" }'));
    const more = CatalogText.parse(WRITTEN).with(['captures', 'shop/postgres', 'config', 'ssl'], 'require');
    expect(more.text).toBe(WRITTEN.replace('readers: 2 }', 'readers: 2, ssl: require }'));
  });

  test('a capture of its own section, its first key, and an empty list', () => {
    const capture = { connector: 'postgres', config: { url: '${URL}' } };
    const empty = CatalogText.parse('# nothing yet\ncaptures: {}\n');
    const one = empty.with(['captures', 'app/postgres'], capture);
    expect(one.text).toContain('# nothing yet');
    expect(one.at(['captures'])).toEqual({ 'app/postgres': capture });
    const two = one.with(['materializations', 'app/lake'], { connector: 'duckdb', config: { path: 'a b' } });
    expect(two.at(['materializations', 'app/lake', 'config', 'path'])).toBe('a b');
    const three = CatalogText.parse('captures:\n').with(['captures', 'a/b'], capture);
    expect(three.at(['captures', 'a/b', 'config', 'url'])).toBe('${URL}');
    const none = CatalogText.parse('').with(['captures', 'a/b'], capture);
    expect(none.at(['captures', 'a/b', 'connector'])).toBe('postgres');
    const bare = { connector: 'postgres', config: {} };
    const first = CatalogText.parse(WRITTEN).with(['captures', 'a/b'], bare);
    const url = first.with(['captures', 'a/b', 'config', 'url'], '${URL}');
    expect(url.text).toBe(first.text.replace('config: {}', 'config:\n      url: ${URL}'));
    const table = url.with(['captures', 'a/b', 'bindings', 0], { resource: 'public.orders' });
    expect(table.text).toContain('    bindings:\n      - { resource: public.orders }\n');
    expect(table.at(['captures', 'a/b', 'bindings'])).toEqual([{ resource: 'public.orders' }]);
  });

  test('a secret that is not told is a value like others', () => {
    const masked = 'captures:\n  a/b:\n    config: { host: x, password: ***, url: postgres://u:***@h/d }\n';
    const catalog = CatalogText.parse(masked);
    expect(catalog.at(['captures', 'a/b', 'config', 'password'])).toBe('***');
    const next = catalog.with(['captures', 'a/b', 'config', 'port'], 5432);
    expect(next.text).toBe(masked.replace('/d }', '/d, port: 5432 }'));
  });

  test('a renamed capture keeps its place and its comments', () => {
    const next = CatalogText.parse(WRITTEN).renamed(['captures', 'shop/postgres'], 'store/postgres');
    expect(next.text).toBe(WRITTEN.replace('shop/postgres:   #', 'store/postgres:   #'));
    expect(next.lineOf(['captures', 'store/postgres'])).toBe(6);
  });

  test('a text that is no YAML says where', () => {
    const broken = CatalogText.parse('captures:\n  a: [1, 2\nb: }\n');
    expect(broken.isReadable).toBe(false);
    expect(broken.errors[0]?.line).toBeGreaterThan(1);
    expect(CatalogText.parse('a: 1\na: 2\n').errors[0]).toMatchObject({ line: 2, column: 1 });
  });
});

test('any edit, one after the other, says what was meant', () => {
  const leaf = fc.oneof(
    fc.constantFrom<PlainValue>('${A}', 'x: y', '- 1', '#no', '', 'null', '1', "it's", 'a, {b}', 'ü\n  z'),
    fc.integer(),
    fc.boolean(),
    fc.string(),
  );
  const value = fc.oneof(
    leaf,
    fc.array(leaf, { maxLength: 3 }),
    fc.dictionary(fc.stringMatching(/^\w+$/u), leaf, { maxKeys: 3 }),
  );
  const pathIn = (root: PlainValue, choices: readonly number[]): ValuePath => {
    const path: (string | number)[] = [];
    let here: PlainValue | undefined = root;
    for (const choice of choices) {
      if (isPlainMap(here)) {
        const keys: readonly string[] = [...Object.keys(here), 'added'];
        const key = keys[choice % keys.length] ?? 'added';
        path.push(key);
        here = Object.hasOwn(here, key) ? here[key] : undefined;
      } else if (isPlainList(here)) {
        const index = choice % (here.length + 1);
        path.push(index);
        here = here[index];
      } else break;
    }
    return path;
  };
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.array(fc.nat(20), { minLength: 1, maxLength: 5 }), fc.option(value)), {
        minLength: 1,
        maxLength: 6,
      }),
      (edits) => {
        let catalog = CatalogText.parse(WRITTEN);
        for (const [choices, next] of edits) {
          const path = pathIn(catalog.value, choices);
          const wanted = withValueAt(catalog.value, path, next ?? undefined);
          if (!isPlainMap(wanted) || Object.keys(wanted).length === 0) continue;
          const after = catalog.with(path, next ?? undefined);
          expect(after.errors).toEqual([]);
          expect(
            isSameValue(after.value, wanted),
            `${JSON.stringify(path)} := ${JSON.stringify(next)}\n${after.text}`,
          ).toBe(true);
          catalog = after;
        }
      },
    ),
    { numRuns: 300 },
  );
});
