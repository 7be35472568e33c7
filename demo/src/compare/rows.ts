/**
 * One row as Postgres's COPY prints it in its text format: values separated by tabs, `\N` for null, `\t` for a tab in a
 * value. Rows are equal when their lines are; only unequal ones need to be taken apart.
 */
export type Line = string;

/** Rows in order, some thousands at a time. */
export type LineBlocks = AsyncGenerator<readonly Line[], void, undefined>;

export type Row = readonly (string | null)[];

export function parseLine(line: Line): Row {
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
