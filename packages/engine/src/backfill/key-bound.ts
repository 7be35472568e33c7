import type { ColumnDefinition, Schema, Scope } from '@brimful/model';
import {
  ColumnBuilder,
  appendText,
  Problem,
  SCOPE_KEYS_LIMIT,
  keyIndices,
  listedKeyPoint,
  toProblem,
  valueText,
} from '@brimful/model';

/** Half-open bounds on the first columns of the key. Throws `BRM-REQUEST-KEY` or `-RANGE`. */
export function keyScope(schema: Schema, from: string | undefined, to: string | undefined): Scope {
  const low = from === undefined ? null : keyBound(schema, from);
  const high = to === undefined ? null : keyBound(schema, to);
  if (low !== null && high !== null && isEmpty(schema, low, high)) {
    throw new Problem(
      'BRM-REQUEST-RANGE',
      `${from} is not before ${to}: nothing lies between them. Ranges are half-open, the end is not in.`,
      { remedy: 'For one row use --keys.' },
    );
  }
  return { kind: 'key', from: low, to: high };
}

/** Single rows by their whole keys; the same key twice counts once. Throws `BRM-REQUEST-KEY`. */
export function keysScope(schema: Schema, texts: readonly string[]): Scope {
  const width = keyColumns(schema).length;
  const keys = new Map<string, readonly string[]>();
  for (const text of texts) {
    const key = keyBound(schema, text);
    if (key.length !== width) {
      throw new Problem('BRM-REQUEST-KEY', `${text} has ${key.length} of the key's ${width} columns.`, {
        remedy: `Give all of them, separated by commas: ${schema.key.join(',')}.`,
      });
    }
    keys.set(JSON.stringify(key), key);
  }
  if (keys.size === 0 || keys.size > SCOPE_KEYS_LIMIT) {
    throw new Problem('BRM-REQUEST-KEY', `${keys.size} keys: from 1 to ${SCOPE_KEYS_LIMIT} are possible.`, {
      remedy: 'Use a key or time range, or the whole table.',
    });
  }
  return { kind: 'keys', keys: [...keys.values()] };
}

/** Values of the first key columns, as the columns' canonical text. */
function keyBound(schema: Schema, text: string): readonly string[] {
  const columns = keyColumns(schema);
  const values = separated(text);
  if (values.length > columns.length) {
    throw new Problem('BRM-REQUEST-KEY', `${text} has ${values.length} values, the key ${columns.length}.`, {
      remedy: `The key is ${schema.key.join(', ')}. Put a value with a comma into "double quotes".`,
    });
  }
  return values.map((value, index) => canonical(columns[index] as ColumnDefinition, value));
}

function keyColumns(schema: Schema): readonly ColumnDefinition[] {
  if (schema.key.length > 0)
    return keyIndices(schema).map((index) => schema.columns[index] as ColumnDefinition);
  throw new Problem('BRM-REQUEST-KEY', 'The table has no key: its rows cannot be named or bounded by one.', {
    remedy: 'Run over the whole table, or bound by time if it has such a column.',
  });
}

function canonical(column: ColumnDefinition, text: string): string {
  const builder = new ColumnBuilder(column.type);
  try {
    appendValue(builder, column, text);
  } catch (thrown) {
    throw new Problem(
      'BRM-REQUEST-KEY',
      `${JSON.stringify(text)} is no value of the key column ${column.name}, which is ${column.sourceType}.`,
      { at: { column: column.name }, cause: toProblem(thrown) },
    );
  }
  return valueText(builder.finish(), 0) as string;
}

/** Whether no key can be at or after `from` and before `to`. Texts sort as their source says, which is not known here. */
function isEmpty(schema: Schema, from: readonly string[], to: readonly string[]): boolean {
  const columns = keyColumns(schema);
  for (let index = 0; index < Math.max(from.length, to.length); index += 1) {
    const low = from[index];
    const high = to[index];
    // The shorter bound lies before all that begin with it.
    if (high === undefined) return true;
    if (low === undefined) return false;
    if (low === high) continue;
    const column = columns[index] as ColumnDefinition;
    if (SORTED_BY_SOURCE.has(column.type.kind)) return false;
    return point(column, low) > point(column, high);
  }
  return true;
}

const SORTED_BY_SOURCE: ReadonlySet<string> = new Set(['text', 'json', 'other']);

function point(column: ColumnDefinition, text: string): string {
  const builder = new ColumnBuilder(column.type);
  appendValue(builder, column, text);
  return listedKeyPoint([builder.finish()], 0);
}

const DECIMAL = /^(?:-?\d+(?:\.\d+)?|NaN|-?Infinity)$/u;

/** Kinds whose layout is text would take any. */
function appendValue(builder: ColumnBuilder, { name, type }: ColumnDefinition, text: string): void {
  if (type.kind === 'decimal' && !DECIMAL.test(text))
    throw new Problem('BRM-REQUEST-KEY', `${name} is a number, ${text} is not`);
  appendText(builder, text);
}

/** Comma-separated values; `"a,b"` is one, `""` in quotes a quote. */
function separated(text: string): readonly string[] {
  const values: string[] = [];
  let value = '';
  let quoted = false;
  for (let at = 0; at < text.length; at += 1) {
    const character = text[at] as string;
    if (character === '"' && quoted && text[at + 1] === '"') {
      value += '"';
      at += 1;
    } else if (character === '"' && (quoted || value === '')) quoted = !quoted;
    else if (character === ',' && !quoted) {
      values.push(value);
      value = '';
    } else value += character;
  }
  values.push(value);
  return values;
}
