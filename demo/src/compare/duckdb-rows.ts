import { DuckDBInstance } from '@duckdb/node-api';
import type { LineBlocks } from './rows.ts';
import type { TableShape } from './table-shape.ts';
import { quoted, shapeOrder } from './table-shape.ts';

/** All rows of a table in a DuckDB file, in the order of its shape, every value as Postgres would print it. */
export async function* duckdbRows(
  path: string,
  shape: TableShape,
  table = shape.name,
  schema = 'main',
): LineBlocks {
  const instance = await DuckDBInstance.create(path, { access_mode: 'READ_ONLY' });
  try {
    const connection = await instance.connect();
    try {
      await connection.run("SET memory_limit = '1GB'; SET threads = 2; SET preserve_insertion_order = true");
      const described = await connection.runAndReadAll(
        `SELECT column_name, data_type FROM information_schema.columns WHERE table_schema = ${literal(schema)} AND table_name = ${literal(table)}`,
      );
      const types = new Map(described.getRows().map(([name, type]) => [String(name), String(type)]));
      const result = await connection.stream(selectSql(shape, table, schema, types));
      for await (const rows of result.yieldRows()) yield rows.map(([line]) => line as string);
    } finally {
      connection.closeSync();
    }
  } finally {
    instance.closeSync();
  }
}

function selectSql(
  shape: TableShape,
  table: string,
  schema: string,
  types: ReadonlyMap<string, string>,
): string {
  const texts = shape.columns.map(({ name }) => {
    const own = types.get(name);
    if (own === undefined) throw new Error(`The DuckDB table ${schema}.${table} has no column ${name}.`);
    const text = asPostgresText(quoted(name), own);
    return { text, field: isText(own) ? escaped(text) : text };
  });
  const order = shapeOrder(shape).map(({ column: { name }, index, native }) =>
    native ? quoted(name) : `${quoted(name)} IS NOT NULL, ${texts[index]?.text ?? ''}`,
  );
  const line = texts.map(({ field }) => `coalesce(${field}, '\\N')`).join(' || chr(9) || ');
  return `SELECT ${line} FROM ${quoted(schema)}.${quoted(table)} ORDER BY ${order.join(', ')}`;
}

const ESCAPES = [
  ['chr(92)', String.raw`'\\'`],
  ['chr(8)', String.raw`'\b'`],
  ['chr(9)', String.raw`'\t'`],
  ['chr(10)', String.raw`'\n'`],
  ['chr(11)', String.raw`'\v'`],
  ['chr(12)', String.raw`'\f'`],
  ['chr(13)', String.raw`'\r'`],
] as const;

/** As COPY's text format does. Most values have nothing to escape, and seven passes over each would take most of the time. */
function escaped(text: string): string {
  const replaced = ESCAPES.reduce(
    (inner, [character, escape]) => `replace(${inner}, ${character}, ${escape})`,
    text,
  );
  return `CASE WHEN regexp_matches(${text}, '[\\\\\\x08-\\x0d]') THEN ${replaced} ELSE ${text} END`;
}

/** Types whose text may need escapes. */
function isText(own: string): boolean {
  return own === 'VARCHAR' || own === 'JSON' || own === 'BLOB';
}

/** `own`: DuckDB's type of the column. */
function asPostgresText(column: string, own: string): string {
  switch (own) {
    case 'BOOLEAN':
      return `CASE ${column} WHEN true THEN 't' WHEN false THEN 'f' END`;
    case 'BLOB':
      return `'\\x' || lower(hex(${column}))`;
    case 'TIMESTAMP WITH TIME ZONE':
      // By its number: a cast would ask for the session's time zone.
      return eras(
        `CASE WHEN isfinite(${column}) THEN make_timestamp(epoch_us(${column}))::VARCHAR || '+00' ELSE ${column}::VARCHAR END`,
      );
    case 'DATE':
    case 'TIMESTAMP':
      return eras(`${column}::VARCHAR`);
    default:
      return `${column}::VARCHAR`;
  }
}

/** `0044-03-15 (BC) …+00` as Postgres has it: `0044-03-15 …+00 BC`. */
function eras(text: string): string {
  return `CASE WHEN contains(${text}, '(BC)') THEN replace(${text}, ' (BC)', '') || ' BC' ELSE ${text} END`;
}

function literal(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}
