import { describe, expect, test } from 'vitest';
import { problemsOf, placeText } from '../terminal/problem-text.ts';
import { fakeConnectors } from '../testing/fake-connectors.ts';
import type { LoadedConfig } from './load.ts';
import { parseConfig } from './load.ts';
import { settingsOf } from './settings.ts';

const ENVIRONMENT = { URL: 'fake://reader:s3cret@db:5432/shop', PORT: '5432', EMPTY: '' };

function parse(
  text: string,
  environment: Readonly<Record<string, string>> = ENVIRONMENT,
): Promise<LoadedConfig> {
  return parseConfig(text, '/shop/brimful.yaml', {
    connectors: fakeConnectors(),
    environment,
    workingDirectory: '/shop',
  });
}

/** Every problem as `file:line:column code message | remedy`. */
async function problems(
  text: string,
  environment: Readonly<Record<string, string>> = ENVIRONMENT,
): Promise<string[]> {
  try {
    await parse(text, environment);
  } catch (error) {
    return problemsOf(error).map(
      (problem) => `${placeText(problem.at)} ${problem.code} ${problem.message} | ${problem.remedy ?? ''}`,
    );
  }
  return [];
}

const WHOLE = `
captures:
  shop/fake:
    connector: fake
    config: { url: \${URL} }
    autoDiscover: { schemas: [public], exclude: [public.tmp_*] }
    bindings:
      - { resource: public.orders, target: shop/orders }
      - { resource: sales.lines }
collections: { shop/orders: {} }
materializations:
  shop/warehouse:
    connector: sink
    config: { path: warehouse.duckdb }
    source: shop/fake
    bindings: [{ source: shop/orders, table: orders_live, deletes: soft }]
limits: { diskFree: 2 GiB, retention: 7d, memory: 1000000 }
`;

describe('alerts', () => {
  const HOOK = 'https://hooks.example.com/T0K3N/abc';

  test('have limits without anything written, the disk by what captures pause below', async () => {
    const { alerts } = await parse(
      'captures: { shop/fake: { connector: fake, config: { url: u } } }\nlimits: { diskFree: 3 GB }',
    );
    expect(alerts).toEqual({
      from: 'info',
      webhook: undefined,
      limits: {
        lagMilliseconds: 300_000,
        retainedLogBytes: 8 * 1024 ** 3,
        stalledMilliseconds: 600_000,
        diskFreeBytes: 6e9,
      },
    });
  });

  test('go to a webhook whose address and secret are said nowhere', async () => {
    const text = `captures: { shop/fake: { connector: fake, config: { url: u } } }
alerts: { webhook: \${HOOK}, secret: sixteen-characters, from: critical, lag: 1m, retainedLog: 1 GB, stalled: 2m, diskFree: 5 GB }`;
    const { alerts, redact } = await parse(text, { HOOK });
    expect(alerts).toEqual({
      from: 'critical',
      webhook: { url: HOOK, secret: 'sixteen-characters' },
      limits: {
        lagMilliseconds: 60_000,
        retainedLogBytes: 1e9,
        stalledMilliseconds: 120_000,
        diskFreeBytes: 5e9,
      },
    });
    const shown = JSON.stringify(settingsOf(await parse(text, { HOOK })));
    expect(shown).toContain('"origin":"https://hooks.example.com","isSigned":true');
    for (const secret of ['T0K3N', 'sixteen-characters']) expect(shown).not.toContain(secret);
    expect(redact(`POST ${HOOK} with sixteen-characters`)).toBe('POST *** with ***');
    expect(await problems(text, { HOOK: 'hooks.example.com' })).toEqual([
      expect.stringContaining('alerts.webhook must be an address that begins with http:// or https://'),
    ]);
  });
});

describe('a whole configuration', () => {
  test('becomes a spec with defaults filled in and paths made absolute', async () => {
    const { spec, dataDirectory } = await parse(WHOLE);
    expect(dataDirectory).toBe('/shop/data');
    expect(spec.captures[0]).toMatchObject({
      name: 'shop/fake',
      config: { url: ENVIRONMENT.URL },
      autoDiscover: { schemas: ['public'], exclude: ['public.tmp_*'], prefix: 'shop' },
      bindings: [
        { resource: 'public.orders', target: 'shop/orders', at: { line: 8, column: 9 } },
        { resource: 'sales.lines', target: 'shop/sales/lines' },
      ],
    });
    expect(spec.materializations[0]).toMatchObject({
      config: { path: '/shop/warehouse.duckdb' },
      source: 'shop/fake',
      deletes: 'hard',
      bindings: [{ source: 'shop/orders', table: 'orders_live', deletes: 'soft', adopt: false }],
    });
    expect(spec.limits).toEqual({
      diskFreeBytes: 2 * 1024 ** 3,
      diskUsedBytes: undefined,
      memoryBytes: 1_000_000,
      retentionMilliseconds: 7 * 86_400_000,
    });
  });

  test('a capture without bindings discovers everything by itself', async () => {
    const { spec } = await parse('captures: { fake: { connector: fake, config: { url: x } } }');
    expect(spec.captures[0]?.autoDiscover).toEqual({ schemas: undefined, exclude: [], prefix: 'fake' });
    const bound = await parse(
      'captures: { a: { connector: fake, config: { url: x }, bindings: [{ resource: public.t }] } }',
    );
    expect(bound.spec.captures[0]?.autoDiscover).toBeUndefined();
    expect(bound.spec.captures[0]?.bindings[0]?.target).toBe('a/t');
  });
});

describe('variables', () => {
  const withConfig = (config: string): string =>
    `captures:\n  a:\n    connector: fake\n    config: ${config}\n`;

  test('stand inside flow braces, quotes and longer texts, with defaults and escapes', async () => {
    const url = async (written: string): Promise<unknown> =>
      (await parse(withConfig(`{ url: ${written} }`))).spec.captures[0]?.config;
    expect(await url('${URL}')).toEqual({ url: ENVIRONMENT.URL });
    expect(await url('"${URL}?x=1"')).toEqual({ url: `${ENVIRONMENT.URL}?x=1` });
    expect(await url('${NONE:-fallback}')).toEqual({ url: 'fallback' });
    expect(await url('${EMPTY:-fallback}')).toEqual({ url: 'fallback' });
    expect(await url("'$${URL}'")).toEqual({ url: '${URL}' });
  });

  test('are numbers or booleans only where the field wants one', async () => {
    const { spec } = await parse(withConfig('{ url: ${PORT}, port: ${PORT}, ssl: ${NONE:-true} }'));
    expect(spec.captures[0]?.config).toEqual({ url: '5432', port: 5432, ssl: true });
  });

  test('that are missing are all named with their places', async () => {
    expect(await problems(withConfig('{ url: ${SHOP_URL}, port: ${SHOP_PORT} }'))).toEqual([
      'brimful.yaml:4:20 BRM-CONFIG-VARIABLE The environment variable SHOP_URL is not set. | Set it before you start brimful: export SHOP_URL=... Or keep it: brimful secret set SHOP_URL',
      'brimful.yaml:4:39 BRM-CONFIG-VARIABLE The environment variable SHOP_PORT is not set. | Set it before you start brimful: export SHOP_PORT=... Or keep it: brimful secret set SHOP_PORT',
    ]);
  });

  test('in comments need not be set', async () => {
    expect(await problems(`# \${SHOP_URL}\n${withConfig('{ url: x }')}`)).toEqual([]);
  });
});

describe('mistakes are named with file, line, column and what to do', () => {
  const CASES: readonly (readonly [string, string, readonly string[]])[] = [
    [
      'an empty file',
      '# nothing\n',
      [
        'brimful.yaml:1:1 BRM-CONFIG-VALUE The configuration is empty. | Describe at least one capture. `brimful init` writes an example to start from.',
      ],
    ],
    [
      'an unknown connector',
      'captures:\n  a:\n    connector: fkae\n    config: { url: x }\n',
      ['brimful.yaml:3:16 BRM-CONFIG-CONNECTOR There is no connector called "fkae". | Did you mean "fake"?'],
    ],
    [
      'a connector that only writes',
      'captures:\n  a:\n    connector: sink\n    config: { path: x }\n',
      [
        'brimful.yaml:3:16 BRM-CONFIG-CONNECTOR A fake sink cannot be captured from. | Choose another connector here.',
      ],
    ],
    [
      'an unknown field at the top',
      'captures: {}\nmaterialisations: {}\n',
      [
        'brimful.yaml:2:1 BRM-CONFIG-FIELD Unknown field "materialisations" in the configuration. | Did you mean "materializations"?',
      ],
    ],
    [
      'an unknown field deep inside',
      'captures:\n  a:\n    connector: fake\n    config: { url: x }\n    bindings:\n      - resource: public.t\n        targt: a/t\n',
      [
        'brimful.yaml:7:9 BRM-CONFIG-FIELD Unknown field "targt" in captures.a.bindings[0]. | Did you mean "target"?',
      ],
    ],
    [
      'an unknown field of autoDiscover, which may also be true or false',
      'captures:\n  a:\n    connector: fake\n    config: { url: x }\n    autoDiscover: { schema: [public] }\n',
      [
        'brimful.yaml:5:21 BRM-CONFIG-FIELD Unknown field "schema" in captures.a.autoDiscover. | Did you mean "schemas"?',
      ],
    ],
    [
      "an unknown field of a connector's config",
      'captures:\n  a:\n    connector: fake\n    config:\n      uri: x\n',
      [
        'brimful.yaml:4:5 BRM-CONFIG-VALUE captures.a.config.url is missing. | ',
        'brimful.yaml:5:7 BRM-CONFIG-FIELD Unknown field "uri" in captures.a.config. | Did you mean "url"?',
      ],
    ],
    [
      'a wrong type in a nested config',
      'captures:\n  a:\n    connector: fake\n    config:\n      url: x\n      port: abc\n      slot: { name: 7 }\n',
      [
        'brimful.yaml:6:13 BRM-CONFIG-VALUE captures.a.config.port must be a number. | ',
        'brimful.yaml:7:21 BRM-CONFIG-VALUE captures.a.config.slot.name must be text. | ',
      ],
    ],
    [
      'a missing connector',
      'captures:\n  a:\n    config: { url: x }\n',
      ['brimful.yaml:2:3 BRM-CONFIG-VALUE captures.a.connector is missing. | '],
    ],
    [
      'a bad name',
      'captures:\n  a//b:\n    connector: fake\n    config: { url: x }\n',
      [
        'brimful.yaml:2:3 BRM-CONFIG-VALUE The name "a//b" must be words separated by single slashes, for example shop/orders. | ',
      ],
    ],
    [
      'a bad size and a bad duration',
      'captures: {}\nlimits:\n  diskFree: lots\n  retention: 7 days\n',
      [
        'brimful.yaml:3:13 BRM-CONFIG-VALUE limits.diskFree must be a size such as 500 MB, 2 GiB or a number of bytes. | ',
        'brimful.yaml:4:14 BRM-CONFIG-VALUE limits.retention must be a duration such as 30m, 12h or 7d. | ',
      ],
    ],
    [
      'a bad choice',
      'captures: { a: { connector: fake, config: { url: x } } }\nmaterializations:\n  w: { connector: sink, config: { path: x }, source: a, deletes: never }\n',
      ['brimful.yaml:3:66 BRM-CONFIG-VALUE materializations.w.deletes must be hard or soft. | '],
    ],
    [
      'a key that appears twice',
      'captures:\n  a: { connector: fake, config: { url: x } }\n  a: { connector: fake, config: { url: y } }\n',
      [
        'brimful.yaml:3:3 BRM-CONFIG-YAML This key appears twice in the same block. | Mend the YAML at this place. Values with special characters (: # { } [ ] , & *) go in double quotes.',
      ],
    ],
    [
      'two bindings for one collection, in two captures',
      'captures:\n  a:\n    connector: fake\n    config: { url: x }\n    bindings: [{ resource: public.t, target: c/t }]\n  b:\n    connector: fake\n    config: { url: y }\n    bindings: [{ resource: public.t, target: c/t }]\n',
      [
        'brimful.yaml:9:16 BRM-CONFIG-DUPLICATE Two bindings fill the collection c/t: public.t of capture b here, and public.t of capture a in line 5. Their rows and keys would mix. | Give each binding a target of its own.',
      ],
    ],
    [
      'two captures that discover into one prefix',
      'captures:\n  shop/a: { connector: fake, config: { url: x } }\n  shop/b: { connector: fake, config: { url: y } }\n',
      [
        'brimful.yaml:3:3 BRM-CONFIG-DUPLICATE The captures shop/b and shop/a (line 2) both discover tables into shop/: two tables of one name would fill one collection. | Set autoDiscover: { prefix: ... } in one of them, or list its tables under bindings.',
      ],
    ],
    [
      'a collection nothing fills',
      'captures:\n  a:\n    connector: fake\n    config: { url: x }\n    bindings: [{ resource: public.orders, target: a/orders }]\ncollections:\n  a/order: {}\n',
      [
        'brimful.yaml:7:3 BRM-CONFIG-REFERENCE No capture fills the collection a/order. | Bind a table to it, or remove it. Did you mean "a/orders"?',
      ],
    ],
    [
      'a source that is no capture, and one that is a collection',
      'captures:\n  shop/pg:\n    connector: fake\n    config: { url: x }\n    bindings: [{ resource: public.orders, target: shop/orders }]\nmaterializations:\n  v:\n    connector: sink\n    config: { path: v }\n    source: shop/gp\n  w:\n    connector: sink\n    config: { path: w }\n    source: shop/orders\n',
      [
        'brimful.yaml:10:13 BRM-CONFIG-REFERENCE There is no capture called shop/gp. | Did you mean "shop/pg"?',
        'brimful.yaml:14:13 BRM-CONFIG-REFERENCE There is no capture called shop/orders. | shop/orders is a collection. To materialize only that: bindings: [{ source: shop/orders }].',
      ],
    ],
    [
      'an unknown collection in a binding',
      'captures:\n  a:\n    connector: fake\n    config: { url: x }\n    bindings: [{ resource: public.orders, target: a/orders }]\nmaterializations:\n  w:\n    connector: sink\n    config: { path: w }\n    bindings:\n      - source: a/ordres\n',
      ['brimful.yaml:11:17 BRM-CONFIG-REFERENCE There is no collection a/ordres. | Did you mean "a/orders"?'],
    ],
    [
      'two collections into one table of one file, by two materializations',
      'captures: { a: { connector: fake, config: { url: x } } }\nmaterializations:\n  v:\n    connector: sink\n    config: { path: w.db }\n    bindings: [{ source: a/x, table: t }]\n  w:\n    connector: sink\n    config: { path: ./w.db }\n    bindings: [{ source: a/y, table: t }]\n',
      [
        'brimful.yaml:10:16 BRM-CONFIG-DUPLICATE Two collections would be written into one table t: a/y of w here, and a/x of v in line 6. | Give one of them another table.',
      ],
    ],
    [
      'a materialization that would write nothing',
      'captures: { a: { connector: fake, config: { url: x } } }\nmaterializations:\n  w: { connector: sink, config: { path: w } }\n',
      [
        'brimful.yaml:3:3 BRM-CONFIG-VALUE The materialization w has nothing to write: neither source nor bindings. | Add source: <capture>, for example source: a.',
      ],
    ],
  ];

  test.each(CASES)('%s', async (_name, text, expected) => {
    expect(await problems(text)).toEqual(expected);
  });

  test('broken YAML shows what its author wrote, not our stand-ins for variables', async () => {
    const [first] = await problems('captures:\n  a: {connector: fake, config: {url: ${URL}\n');
    expect(first).toMatch(/^brimful\.yaml:\d+:\d+ BRM-CONFIG-YAML /);
    expect(first).not.toMatch(/[\u{E000}-\u{F8FF}]/u);
  });

  test('no message repeats a value that came from the environment', async () => {
    // Invariant 10
    for (const variable of ['URL', 'DB_PASSWORD']) {
      const text = `captures:\n  a:\n    connector: \${${variable}}\n    config: { url: x }\n`;
      const all = await problems(text, { ...ENVIRONMENT, DB_PASSWORD: 's3cret' });
      expect(all).toHaveLength(1);
      expect(all[0]).toContain('***');
      expect(all[0]).not.toContain('s3cret');
    }
  });
});

describe('the server', () => {
  const captures = 'captures: { fake: { connector: fake, config: { url: x } } }\n';

  test('is for this machine alone, at the usual port, unless said otherwise', async () => {
    const { server } = await parse(captures);
    expect(server).toEqual({
      host: '127.0.0.1',
      port: undefined,
      names: [],
      password: undefined,
      tokens: {},
    });
  });

  test('has secrets, which are never shown', async () => {
    const token = 'brm_0123456789abcdefghijkl';
    const { server, redact } = await parse(
      `${captures}server: { host: 0.0.0.0, port: 80, password: correct horse, tokens: { ci: ${token} } }`,
    );
    expect(server).toMatchObject({ host: '0.0.0.0', port: 80, tokens: { ci: token } });
    expect(redact(`said "correct horse" and ${token}`)).toBe('said "***" and ***');
  });

  test.each(['{ port: 70000 }', '{ password: short }', '{ tokens: { ci: short } }', '{ prot: 1 }'])(
    'is refused as %s',
    async (server) => {
      const refused = parse(`${captures}server: ${server}`);
      await expect(refused).rejects.toMatchObject({
        errors: [{ code: expect.stringMatching('BRM-CONFIG') }],
      });
    },
  );
});
