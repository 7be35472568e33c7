import { Client } from 'pg';
import { to as copyTo } from 'pg-copy-streams';
import type { Row, RowBlocks } from './rows.ts';
import type { TableShape } from './table-shape.ts';
import { quoted, shapeOrder } from './table-shape.ts';

/** The text forms in which everything is compared. */
const SESSION = `
  SET TimeZone = 'UTC'; SET DateStyle = 'ISO, YMD'; SET IntervalStyle = 'postgres'; SET bytea_output = 'hex';
  SET extra_float_digits = 1; SET lc_monetary = 'C'; SET work_mem = '128MB'`;

/** All rows of a table in the order of its shape, every value as Postgres prints it. */
export async function* postgresRows(
  url: string,
  shape: TableShape,
  table = shape.name,
  schema = shape.schema,
): RowBlocks {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(SESSION);
    let rest: Buffer = Buffer.alloc(0);
    for await (const chunk of client.query(copyTo(copySql(shape, table, schema)))) {
      const bytes = rest.length === 0 ? (chunk as Buffer) : Buffer.concat([rest, chunk as Buffer]);
      const end = bytes.lastIndexOf(NEW_LINE) + 1;
      rest = bytes.subarray(end);
      // Line breaks inside values are escaped, so that every one of these ends a row.
      if (end > 0)
        yield bytes
          .toString('utf8', 0, end - 1)
          .split('\n')
          .map(parseLine);
    }
  } finally {
    await client.end();
  }
}

const NEW_LINE = 10;

function copySql(shape: TableShape, table: string, schema: string): string {
  const columns = shape.columns.map(({ name }) => quoted(name)).join(', ');
  const order = shapeOrder(shape).map(({ column: { name }, numeric }) =>
    // format() prints as COPY does, where a cast would not: inet and char(n) differ.
    numeric ? quoted(name) : `${quoted(name)} IS NOT NULL, format('%s', ${quoted(name)}) COLLATE "C"`,
  );
  return `COPY (SELECT ${columns} FROM ${quoted(schema)}.${quoted(table)} ORDER BY ${order.join(', ')}) TO STDOUT`;
}

function parseLine(line: string): Row {
  const fields: (string | null)[] = line.split('\t');
  if (line.includes('\\')) {
    for (const [index, field] of fields.entries()) fields[index] = unescape(field as string);
  }
  return fields;
}

const ESCAPES: Readonly<Record<string, string>> = { b: '\b', f: '\f', n: '\n', r: '\r', t: '\t', v: '\v' };

function unescape(field: string): string | null {
  if (field === String.raw`\N`) return null;
  return field.replaceAll(/\\(.)/gs, (_match, character: string) => ESCAPES[character] ?? character);
}
