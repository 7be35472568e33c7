import { Client } from 'pg';
import { to as copyTo } from 'pg-copy-streams';
import type { LineBlocks } from './rows.ts';
import type { TableShape } from './table-shape.ts';
import { quoted, shapeOrder } from './table-shape.ts';

/** The text forms in which everything is compared. */
const SESSION = `
  SET TimeZone = 'UTC'; SET DateStyle = 'ISO, YMD'; SET IntervalStyle = 'postgres'; SET bytea_output = 'hex';
  SET extra_float_digits = 1; SET lc_monetary = 'C'; SET work_mem = '128MB'`;

/** Larger pieces than the socket gives: a string for each costs more than copying it once. */
const BLOCK_BYTES = 1024 * 1024;
const NEW_LINE = 10;

/** All rows of a table in the order of its shape, every value as Postgres prints it. */
export async function* postgresRows(
  url: string,
  shape: TableShape,
  table = shape.name,
  schema = shape.schema,
): LineBlocks {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(SESSION);
    let parts: Buffer[] = [];
    let size = 0;
    for await (const chunk of client.query(copyTo(copySql(shape, table, schema)))) {
      parts.push(chunk as Buffer);
      size += (chunk as Buffer).length;
      if (size < BLOCK_BYTES) continue;
      const bytes = Buffer.concat(parts);
      const end = bytes.lastIndexOf(NEW_LINE) + 1;
      parts = [bytes.subarray(end)];
      size -= end;
      if (end > 0) yield linesOf(bytes, end);
    }
    if (size > 0) yield linesOf(Buffer.concat(parts), size);
  } finally {
    await client.end();
  }
}

/** Line breaks inside values are escaped, so that every one of these ends a row. */
function linesOf(bytes: Buffer, end: number): string[] {
  return bytes.toString('utf8', 0, end - 1).split('\n');
}

function copySql(shape: TableShape, table: string, schema: string): string {
  const columns = shape.columns.map(({ name }) => quoted(name)).join(', ');
  const order = shapeOrder(shape).map(({ column: { name }, native }) =>
    // format() prints as COPY does, where a cast would not: inet and char(n) differ.
    native ? quoted(name) : `${quoted(name)} IS NOT NULL, format('%s', ${quoted(name)}) COLLATE "C"`,
  );
  return `COPY (SELECT ${columns} FROM ${quoted(schema)}.${quoted(table)} ORDER BY ${order.join(', ')}) TO STDOUT`;
}
