import type { Line, LineBlocks, Row } from './rows.ts';
import { parseLine } from './rows.ts';
import type { ShapeOrder, TableShape } from './table-shape.ts';
import { isFloat, shapeOrder } from './table-shape.ts';

export interface TableComparison {
  readonly table: string;
  readonly sourceRows: number;
  readonly targetRows: number;
  /** Rows of the source that the target lacks. */
  readonly missing: number;
  /** Rows of the target that the source lacks. */
  readonly extra: number;
  /** Rows of the same key with other values. */
  readonly different: number;
  readonly equal: boolean;
  /** The first few, for people. */
  readonly examples: readonly string[];
}

const EXAMPLES = 5;
const LONGEST_VALUE = 60;

/**
 * Compares two tables row by row in one pass over both, in constant memory. Both sides must come in the order of the
 * shape; where there is no key, equal rows are paired one by one, so that doubles count.
 */
export async function compareTables(
  shape: TableShape,
  source: LineBlocks,
  target: LineBlocks,
): Promise<TableComparison> {
  const order = shapeOrder(shape);
  const floats = shape.columns.map(({ type }) => (isFloat(type) ? type : undefined));
  const left = new Cursor(source);
  const right = new Cursor(target);
  const tally = { missing: 0, extra: 0, different: 0 };
  const examples: string[] = [];
  const note = (kind: keyof typeof tally, text: () => string): void => {
    tally[kind] += 1;
    if (examples.length < EXAMPLES) examples.push(`${kind}: ${text()}`);
  };
  await Promise.all([left.next(), right.next()]);
  while (left.line !== undefined || right.line !== undefined) {
    if (left.line === right.line) {
      await advance(left, right);
      continue;
    }
    const [a, b] = [left.row, right.row];
    const side = compareKeys(a, b, order);
    if (side === 0) {
      const column = firstDifference(a as Row, b as Row, floats);
      if (column !== undefined)
        note('different', () => differenceText(a as Row, b as Row, column, shape, order));
      await advance(left, right);
    } else if (side < 0) {
      note('missing', () => keyText(a as Row, order));
      await left.next();
    } else {
      note('extra', () => keyText(b as Row, order));
      await right.next();
    }
  }
  const equal = tally.missing + tally.extra + tally.different === 0;
  return { table: shape.name, sourceRows: left.rows, targetRows: right.rows, ...tally, equal, examples };
}

/** Walks blocks row by row; waits only between blocks. */
class Cursor {
  /** Undefined: there are no more. */
  line: Line | undefined;
  rows = 0;
  readonly #blocks: LineBlocks;
  #block: readonly Line[] = [];
  #place = 0;

  constructor(blocks: LineBlocks) {
    this.#blocks = blocks;
  }

  get row(): Row | undefined {
    return this.line === undefined ? undefined : parseLine(this.line);
  }

  /** Undefined, not a promise, while the block lasts: a promise a row would double the time. */
  next(): Promise<void> | undefined {
    if (this.#place < this.#block.length) {
      this.#take();
      return undefined;
    }
    return this.#load();
  }

  #take(): void {
    this.line = this.#block[this.#place];
    this.#place += 1;
    this.rows += 1;
  }

  async #load(): Promise<void> {
    for (;;) {
      const { done, value } = await this.#blocks.next();
      if (done === true) {
        this.line = undefined;
        return;
      }
      if (value.length === 0) continue;
      this.#block = value;
      this.#place = 0;
      this.#take();
      return;
    }
  }
}

/** Both at once, so that two servers work at the same time; without waiting while both have rows in hand. */
function advance(left: Cursor, right: Cursor): Promise<unknown> | undefined {
  const [a, b] = [left.next(), right.next()];
  return a === undefined && b === undefined ? undefined : Promise.all([a, b]);
}

/** Below 0: the source's row comes first, so the target lacks it. */
function compareKeys(a: Row | undefined, b: Row | undefined, order: readonly ShapeOrder[]): number {
  if (a === undefined) return 1;
  if (b === undefined) return -1;
  for (const { index, native } of order) {
    const compared = compareValues(a[index] ?? null, b[index] ?? null, native);
    if (compared !== 0) return compared;
  }
  return 0;
}

function compareValues(a: string | null, b: string | null, native: ShapeOrder['native']): number {
  if (a === b) return 0;
  if (native !== undefined && (a === null || b === null)) {
    // As both servers order: null after every value.
    return a === null ? 1 : -1;
  }
  if (native === 'integer') return BigInt(a as string) < BigInt(b as string) ? -1 : 1;
  if (a === null || b === null) return a === null ? -1 : 1;
  // UTF-16 orders like UTF-8 but for what lies behind the surrogates.
  if (!BEYOND_SURROGATES.test(a) && !BEYOND_SURROGATES.test(b)) return a < b ? -1 : 1;
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

const BEYOND_SURROGATES = /[\u{D800}-\u{FFFF}\u{10000}-\u{10FFFF}]/u;

function firstDifference(a: Row, b: Row, floats: readonly (string | undefined)[]): number | undefined {
  for (let index = 0; index < floats.length; index += 1) {
    const x = a[index] ?? null;
    const y = b[index] ?? null;
    if (x !== y && !(floats[index] !== undefined && sameFloat(x, y, floats[index] === 'real'))) return index;
  }
  return undefined;
}

/** The same number, printed differently. */
function sameFloat(a: string | null, b: string | null, single: boolean): boolean {
  if (a === null || b === null) return false;
  const [x, y] = [parseFloatText(a), parseFloatText(b)];
  return single ? Object.is(Math.fround(x), Math.fround(y)) : Object.is(x, y);
}

function parseFloatText(text: string): number {
  if (/^-?inf/i.test(text)) return text.startsWith('-') ? -Infinity : Infinity;
  return Number(text);
}

function keyText(row: Row, order: readonly ShapeOrder[]): string {
  return order.map(({ column, index }) => `${column.name}=${shown(row[index] ?? null)}`).join(', ');
}

function differenceText(
  a: Row,
  b: Row,
  index: number,
  shape: TableShape,
  order: readonly ShapeOrder[],
): string {
  const name = shape.columns[index]?.name ?? '';
  return `${keyText(a, order)}: ${name} is ${shown(a[index] ?? null)} at the source, ${shown(b[index] ?? null)} here`;
}

function shown(value: string | null): string {
  if (value === null) return 'null';
  return JSON.stringify(
    value.length > LONGEST_VALUE ? `${value.slice(0, LONGEST_VALUE)}… (${value.length})` : value,
  );
}
