/** Extremes of one type: SQL literals, to be cast to it. */
export interface TypeCase {
  readonly type: string;
  readonly values: readonly string[];
  /** Smallest server that has the type or the value. */
  readonly since?: number;
}

const quote = (text: string): string => `'${text.replaceAll("'", "''")}'`;
const quoted = (...values: string[]): string[] => values.map(quote);

const LONG_TEXT = `repeat('ä€😀x', 120000)`;
const DIGITS_1000 = `${'9'.repeat(1000)}`;

/** Made before the cases: types of the database's own. */
export const OWN_TYPES = `
CREATE TYPE public.mood AS ENUM ('sad', 'ok', 'très "happy", 100%');
CREATE TYPE public.pair AS (x int, y text, z numeric);
CREATE DOMAIN public.positive AS int CHECK (VALUE > 0);
CREATE DOMAIN public.price AS numeric(10,2);
CREATE DOMAIN public.twice AS public.price CHECK (VALUE < 1000);
CREATE DOMAIN public.address AS inet;
CREATE DOMAIN public.flags AS bit(4);
CREATE DOMAIN public.tags AS text[];
CREATE TYPE public.textrange AS RANGE (subtype = text);
CREATE TYPE public.mood_pair AS (a public.mood, b public.mood[]);
`;

export const TYPE_CASES: readonly TypeCase[] = [
  { type: 'boolean', values: quoted('t', 'f') },
  { type: 'smallint', values: quoted('-32768', '32767', '0', '-1') },
  { type: 'integer', values: quoted('-2147483648', '2147483647', '0', '-1', '7') },
  {
    type: 'bigint',
    values: quoted(
      ...['-9223372036854775808', '9223372036854775807', '0', '-1', '4294967296', '-4294967296', '999999999'],
      ...['1000000000', '-1000000000', '9007199254740993', '-9007199254740993', '4294967295', '2147483648'],
    ),
  },
  { type: 'oid', values: quoted('0', '4294967295', '2147483648') },
  {
    type: 'real',
    values: quoted(
      ...['0', '-0', 'NaN', 'Infinity', '-Infinity', '3.4028235e38', '1e-45', '1.17549435e-38', '0.1', '1e6'],
      ...['16777217', '123456.7', '-2.5e-5', '1e-5', '999999.94', '8.5899346e9', '1e15', '7.038531e-26'],
    ),
  },
  {
    type: 'double precision',
    values: quoted(
      ...[
        '0',
        '-0',
        'NaN',
        'Infinity',
        '-Infinity',
        '1.7976931348623157e308',
        '5e-324',
        '0.1',
        '1e22',
        '1e23',
      ],
      ...['9007199254740993', '2.2250738585072014e-308', '123456789012345', '1e15', '1e14', '1e-4', '1e-5'],
      ...['0.30000000000000004', '-1.5', '1234567890123456.7', '5.684341886080802e-14', '9.5367431640625e-7'],
    ),
  },
  {
    type: 'numeric',
    values: quoted(
      ...[
        '0',
        '0.00',
        '-0.00',
        '1',
        '-1',
        '10000',
        '9999',
        '99990000',
        '0.0001',
        '0.00001',
        '1e-300',
        '1e300',
      ],
      ...[
        DIGITS_1000,
        `-${DIGITS_1000}.${DIGITS_1000}`,
        `0.${'0'.repeat(999)}1`,
        '123.4500',
        '1000000.0000001',
      ],
      ...['NaN', '12345678.87654321', '0.10', '100', '1e131000', `1e-16383`],
    ),
  },
  { type: 'numeric', values: quoted('Infinity', '-Infinity'), since: 14 },
  { type: 'numeric(12,2)', values: quoted('9999999999.99', '-0.01', '5', 'NaN') },
  { type: 'numeric(3,-2)', values: quoted('12345', '-99900', '0'), since: 15 },
  { type: 'numeric(2,5)', values: quoted('0.00012', '-0.00099'), since: 15 },
  {
    type: 'text',
    values: [...quoted('', ' ', '\\N', 'a\tb\nc\rd\\e', '\u0001\u007f', 'NULL', '{},"'), LONG_TEXT],
  },
  { type: 'character varying(20)', values: quoted('', 'ünïcödé 😀', '  x  ') },
  { type: 'character(5)', values: quoted('', 'a', 'abcde', 'ü😀') },
  { type: 'name', values: quoted('', 'pg_class', 'größe') },
  { type: '"char"', values: [...quoted('', 'a', '\\', '~'), 'CAST(-1 AS "char")', 'CAST(-128 AS "char")'] },
  {
    type: 'bytea',
    values: [...quoted('\\x', '\\x00', '\\x5c00ff0a0d09'), `decode(repeat('00ff5c', 350000), 'hex')`],
  },
  {
    type: 'date',
    values: quoted(
      ...[
        'infinity',
        '-infinity',
        '4714-11-24 BC',
        '5874897-12-31',
        '1970-01-01',
        '1969-12-31',
        '2000-02-29',
      ],
      ...['0001-01-01', '0001-12-31 BC', '10000-01-01', '1900-02-28', '0005-02-29 BC', '0004-02-28 BC'],
    ),
  },
  {
    type: 'time',
    values: quoted('00:00:00', '24:00:00', '23:59:59.999999', '12:00:00.1', '01:02:03.000001'),
  },
  { type: 'time(3)', values: quoted('23:59:59.999', '00:00:00.001') },
  { type: 'timetz', values: quoted('00:00:00+15:59:59', '24:00:00-15:59', '12:34:56.789+00') },
  ...['timestamp', 'timestamptz'].map((type) => ({
    type,
    values: quoted(
      ...['infinity', '-infinity', '4714-11-24 00:00:00 BC', '294276-12-31 23:59:59.999999', '1970-01-01'],
      ...['1969-12-31 23:59:59.999999', '2000-01-01', '1999-12-31 23:59:59.999999', '0001-01-01 00:00 BC'],
      ...[
        '10000-01-01 12:00',
        '294247-01-10 04:00:54.775806',
        '294247-01-10 04:00:54.775809',
        '2024-02-29 1:2:3.4',
      ],
      ...['294246-12-31 23:59:59', '0001-12-31 23:59:59.000001 BC', '2026-11-22 16:00:00.120000'],
    ),
  })),
  { type: 'timestamptz(0)', values: quoted('2026-11-22 16:00:00+02', '1900-01-01 00:00:00-12:34:56') },
  {
    type: 'interval',
    values: quoted(
      ...[
        '178000000 years',
        '-178000000 years',
        '1 mon -1 day',
        '00:00:00',
        '-00:00:00.000001',
        '1 year 2 days 03:04:05.6',
      ],
      ...['2562047788 hours', '-2562047788 hours'],
    ),
  },
  { type: 'interval', values: quoted('infinity', '-infinity'), since: 17 },
  { type: 'interval day to second(3)', values: quoted('3 days 04:05:06.789') },
  { type: 'interval year to month', values: quoted('3 years 2 mons') },
  {
    type: 'uuid',
    values: quoted(
      '00000000-0000-0000-0000-000000000000',
      'ffffffff-ffff-ffff-ffff-ffffffffffff',
      '0189abcd-ef01-7234-8567-89abcdef0123',
    ),
  },
  {
    type: 'json',
    values: quoted(
      'null',
      '{"b": 1,  "a": [1e400, "\\u00e9"], "a": 2}',
      '[]',
      '"x"',
      '12345678901234567890.10',
    ),
  },
  {
    type: 'jsonb',
    values: [
      ...quoted(
        'null',
        '{"b": 1, "a": [true, null]}',
        '{}',
        '""',
        '"a\\tb\\\\c"',
        `1${'0'.repeat(300)}.50`,
        '123456789012345678901234567890',
      ),
      `to_jsonb(${LONG_TEXT})`,
    ],
  },
  { type: 'public.mood', values: quoted('sad', 'très "happy", 100%') },
  { type: 'public.positive', values: quoted('1', '2147483647') },
  { type: 'public.price', values: quoted('1.005', '-12345678.9') },
  { type: 'public.twice', values: quoted('999.99') },
  { type: 'public.address', values: quoted('10.0.0.1', '10.0.0.0/8', '::1') },
  { type: 'public.flags', values: ["B'1010'"] },
  { type: 'public.tags', values: quoted('{}', '{a,"b,c",NULL,"NULL"}') },
  { type: 'public.pair', values: quoted('(1,"a,b",2.50)', '(,,)', '(,"",)') },
  { type: 'public.mood[]', values: quoted('{}', '{sad,NULL,ok}') },
  { type: 'public.pair[]', values: [`ARRAY[ROW(1,'"',0.5)::public.pair, NULL]`] },
  { type: 'public.mood_pair', values: quoted('(sad,"{ok,sad}")') },
  { type: 'public.textrange', values: quoted('[a,b)', 'empty', '(,)') },
  { type: 'integer[]', values: quoted('{}', '{1,NULL,-3}', '{{1,2},{3,4}}', '[0:1]={5,6}', '{2147483647}') },
  {
    type: 'text[]',
    values: quoted('{}', '{"",NULL,"NULL","a\\"b\\\\c","x y",{}}'.replace(',{}', ''), '{{"ä",b},{c,"😀"}}'),
  },
  { type: 'numeric(10,2)[]', values: quoted('{1.5,NaN,NULL}') },
  { type: 'character(3)[]', values: quoted('{a,abc}') },
  { type: 'timestamptz[]', values: quoted('{infinity,"2026-01-01 00:00:00+00"}') },
  { type: 'bytea[]', values: [`ARRAY['\\x5c00'::bytea, '\\x'::bytea, NULL]`] },
  { type: 'jsonb[]', values: [`ARRAY['{"a": "b\\"c"}'::jsonb, 'null'::jsonb]`] },
  { type: 'boolean[]', values: quoted('{t,f,NULL}') },
  { type: 'int4range', values: quoted('empty', '[1,10)', '(,)', '[5,)') },
  { type: 'int8range', values: quoted('[-9223372036854775808,9223372036854775807)') },
  { type: 'numrange', values: quoted('[1.50,2.500]', '(,NaN]') },
  { type: 'tsrange', values: quoted('[-infinity,infinity]', '["2020-01-01 00:00","2021-01-01"]') },
  { type: 'tstzrange', values: quoted('["2020-01-01 00:00+02",)') },
  { type: 'daterange', values: quoted('[2020-01-01,2020-12-31]') },
  { type: 'int4multirange', values: quoted('{}', '{[1,3),[5,7)}'), since: 14 },
  { type: 'tstzmultirange', values: quoted('{["2020-01-01 00:00+00",)}'), since: 14 },
  { type: 'money', values: quoted('$92,233,720,368,547,758.07', '-$92,233,720,368,547,758.08', '0.05') },
  { type: 'bit(8)', values: ["B'10101010'", "B'00000000'"] },
  { type: 'bit varying(12)', values: ["B''", "B'1'", "B'101010101010'"] },
  { type: '"bit"', values: ["B'101'"] },
  { type: 'bit(3)[]', values: [`ARRAY[B'101', NULL]::bit(3)[]`] },
  { type: 'tsvector', values: quoted(`'a b':1A 'c''d':2B,3 'e\\\\f'`, '') },
  { type: 'tsquery', values: quoted(`'a b' & !c:* | (d <-> e)`) },
  {
    type: 'xml',
    values: quoted('<a b="1">ä&amp;</a>', '<?xml version="1.0" encoding="UTF-8"?><a/>', 'text only'),
  },
  { type: 'inet', values: quoted('10.0.0.1', '10.0.0.1/8', '::1', 'fe80::1/64', '0.0.0.0/0') },
  { type: 'cidr', values: quoted('10.0.0.0/8', '10.1.2.3/32', '::/0') },
  { type: 'macaddr', values: quoted('08:00:2b:01:02:03') },
  { type: 'macaddr8', values: quoted('08:00:2b:01:02:03:04:05') },
  { type: 'point', values: quoted('(1.5,-2e-300)', '(NaN,Infinity)') },
  { type: 'line', values: quoted('{1,-1,0.1}') },
  { type: 'lseg', values: quoted('[(0,0),(1,0.30000000000000004)]') },
  { type: 'box', values: quoted('(1,1),(0,0)') },
  { type: 'box[]', values: quoted('{(1,1),(0,0);(2,2),(1,1)}') },
  { type: 'path', values: quoted('((0,0),(1,1))', '[(0,0),(1,1)]') },
  { type: 'polygon', values: quoted('((0,0),(1,1),(2,0))') },
  { type: 'circle', values: quoted('<(0,0),1e10>') },
  { type: 'pg_lsn', values: quoted('0/0', 'FFFFFFFF/FFFFFFFF') },
  { type: 'int2vector', values: quoted('', '1 2 -3') },
  { type: 'oidvector', values: quoted('1 4294967295') },
  { type: 'xid', values: quoted('4294967295') },
  { type: 'xid8', values: quoted('18446744073709551615') },
  { type: 'tid', values: quoted('(4294967295,65535)') },
  { type: 'pg_snapshot', values: quoted('10:20:10,14') },
  { type: 'jsonpath', values: quoted('$.a[*] ? (@.b > 1)') },
  { type: 'regclass', values: quoted('pg_class') },
  { type: 'regtype', values: quoted('integer') },
  { type: 'refcursor', values: quoted('c "1"') },
  { type: 'txid_snapshot', values: quoted('10:20:10,14') },
];
