import type { ColumnType } from './column-type.ts';
import { sameType } from './column-type.ts';
import type { ColumnDefinition, Schema } from './schema.ts';

/**
 * The least type that holds every value of both exactly, or undefined where there is none. (Invariant 6)
 *
 * int16 < int32 < int64 < decimal; int16 < float32 < float64 and int32 < float64; decimals by their digits before and
 * after the point; jsonb < json. Nothing else widens by itself: int64 and decimals are not exact as floats, floats are
 * not as decimals (-0), dates reach further than timestamps, and text is for a person to choose.
 */
export function joinTypes(a: ColumnType, b: ColumnType): ColumnType | undefined {
  if (sameType(a, b)) return a;
  if (a.kind === 'json' && b.kind === 'json') return { kind: 'json', binary: false };
  const float = joinFloats(a, b);
  if (float !== undefined) return float;
  const left = digitsOf(a);
  const right = digitsOf(b);
  if (left === undefined || right === undefined) return undefined;
  if (a.kind !== 'decimal' && b.kind !== 'decimal') return left.whole > right.whole ? a : b;
  const whole = Math.max(left.whole, right.whole);
  const scale = Math.max(left.scale, right.scale);
  return whole === Infinity ? { kind: 'decimal' } : { kind: 'decimal', precision: whole + scale, scale };
}

/** Whether every value of `from` is exact in `to`. */
export function widensTo(from: ColumnType, to: ColumnType): boolean {
  const joined = joinTypes(from, to);
  return joined !== undefined && (sameType(joined, to) || sameDecimal(joined, to));
}

interface Digits {
  /** Before the point. */
  readonly whole: number;
  /** After the point. */
  readonly scale: number;
}

const INTEGER_DIGITS: Readonly<Partial<Record<ColumnType['kind'], number>>> = {
  int16: 5,
  int32: 10,
  int64: 19,
};

function digitsOf(type: ColumnType): Digits | undefined {
  if (type.kind === 'decimal') {
    if (type.precision === undefined) return { whole: Infinity, scale: Infinity };
    // As SQL has it: a precision without a scale is a scale of 0.
    const scale = type.scale ?? 0;
    return { whole: type.precision - scale, scale };
  }
  const whole = INTEGER_DIGITS[type.kind];
  return whole === undefined ? undefined : { whole, scale: 0 };
}

/** Bits of integers a float holds exactly; bits of the integers. */
const FLOAT_BITS: Readonly<Partial<Record<ColumnType['kind'], number>>> = { float32: 24, float64: 53 };
const INTEGER_BITS: Readonly<Partial<Record<ColumnType['kind'], number>>> = { int16: 16, int32: 32 };

function joinFloats(a: ColumnType, b: ColumnType): ColumnType | undefined {
  if (FLOAT_BITS[a.kind] === undefined && FLOAT_BITS[b.kind] === undefined) return undefined;
  const left = FLOAT_BITS[a.kind] ?? INTEGER_BITS[a.kind];
  const right = FLOAT_BITS[b.kind] ?? INTEGER_BITS[b.kind];
  if (left === undefined || right === undefined) return undefined;
  return Math.max(left, right) <= 24 ? { kind: 'float32' } : { kind: 'float64' };
}

/** A precision without a scale is the same decimal as one with a scale of 0. */
function sameDecimal(a: ColumnType, b: ColumnType): boolean {
  if (a.kind !== 'decimal' || b.kind !== 'decimal') return false;
  const left = digitsOf(a);
  const right = digitsOf(b);
  return left?.whole === right?.whole && left?.scale === right?.scale;
}

/** How one version of a schema differs from the one before. Columns are named as they are afterwards. */
export type SchemaChange =
  | { readonly kind: 'drop'; readonly column: ColumnDefinition }
  /** All renames of one comparison happen at once: names may be exchanged. */
  | { readonly kind: 'rename'; readonly from: string; readonly to: string }
  | { readonly kind: 'add'; readonly column: ColumnDefinition }
  /** `to` holds the old values and the new ones exactly; it may be wider than the new column's own type. */
  | { readonly kind: 'widen'; readonly column: string; readonly from: ColumnType; readonly to: ColumnType }
  /** The old type holds the new values too: a table can stay as it is. */
  | { readonly kind: 'narrow'; readonly column: string; readonly from: ColumnType; readonly to: ColumnType }
  /** No type holds the old values and the new ones exactly. */
  | {
      readonly kind: 'incompatible';
      readonly column: string;
      readonly from: ColumnType;
      readonly to: ColumnType;
    }
  | { readonly kind: 'nullable'; readonly column: string; readonly nullable: boolean }
  /** Other columns, or the same in another order, identify a row. Not reported for mere renames. */
  | { readonly kind: 'key'; readonly from: readonly string[]; readonly to: readonly string[] };

/**
 * For each column of `to`, the index of the same column in `from`, or -1. The source's own identity decides where both
 * have it: a column dropped and added again under its old name is another column. Else the name does.
 */
export function matchColumns(from: Schema, to: Schema): number[] {
  return to.columns.map((column) => from.columns.findIndex((candidate) => sameColumn(candidate, column)));
}

function sameColumn(a: ColumnDefinition, b: ColumnDefinition): boolean {
  if (a.sourceId !== undefined && b.sourceId !== undefined) return a.sourceId === b.sourceId;
  return a.name === b.name;
}

/** What changed from one schema to the next: drops, then renames, adds, changes of type, nullability and key. */
export function compareSchemas(before: Schema, after: Schema): SchemaChange[] {
  const matches = matchColumns(before, after);
  const drops = before.columns.filter((_, index) => !matches.includes(index));
  const renames: SchemaChange[] = [];
  const adds: SchemaChange[] = [];
  const types: SchemaChange[] = [];
  const nullabilities: SchemaChange[] = [];
  for (const [index, column] of after.columns.entries()) {
    const old = before.columns[matches[index] as number];
    if (old === undefined) {
      adds.push({ kind: 'add', column });
      continue;
    }
    if (old.name !== column.name) renames.push({ kind: 'rename', from: old.name, to: column.name });
    if (!sameType(old.type, column.type)) types.push(compareTypes(column.name, old.type, column.type));
    if (old.nullable !== column.nullable) {
      nullabilities.push({ kind: 'nullable', column: column.name, nullable: column.nullable });
    }
  }
  const dropped = drops.map((column): SchemaChange => ({ kind: 'drop', column }));
  return [...dropped, ...renames, ...adds, ...types, ...nullabilities, ...compareKeys(before, after)];
}

function compareTypes(column: string, from: ColumnType, to: ColumnType): SchemaChange {
  const joined = joinTypes(from, to);
  if (joined === undefined) return { kind: 'incompatible', column, from, to };
  if (widensTo(to, from)) return { kind: 'narrow', column, from, to };
  return { kind: 'widen', column, from, to: joined };
}

function compareKeys(before: Schema, after: Schema): SchemaChange[] {
  const same =
    before.key.length === after.key.length &&
    before.key.every((name, index) => {
      const old = before.columns.find((column) => column.name === name);
      const now = after.columns.find((column) => column.name === after.key[index]);
      return old !== undefined && now !== undefined && sameColumn(old, now);
    });
  return same ? [] : [{ kind: 'key', from: before.key, to: after.key }];
}
