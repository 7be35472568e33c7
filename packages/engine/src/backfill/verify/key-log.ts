import type { Batch, Column, Schema } from '@brimful/model';
import { ColumnBuilder, hashRows, keyIndices } from '@brimful/model';
import { decodeFrame, encodeFrame } from '../../collection/frame.ts';
import { sleep } from '../../flow/pause-gate.ts';
import type { HashIndex } from './hash-index.ts';
import { NOT_FOUND } from './hash-index.ts';
import type { Scratch } from './scratch.ts';

/** Keys of one side that are held in memory before they go to a scratch blob. (Invariant 9) */
const HELD_KEY_BYTES = 8 * 1024 * 1024;

/** Keys as columns in key order, and their hashes. */
export interface KeyList {
  readonly columns: readonly Column[];
  readonly rows: number;
  readonly high: Int32Array;
  readonly low: Int32Array;
}

/** Grows a list of keys. */
export class KeyListBuilder {
  readonly #columns: readonly ColumnBuilder[];
  readonly #high: number[] = [];
  readonly #low: number[] = [];

  constructor(schema: Schema) {
    this.#columns = keySchema(schema).columns.map(({ type }) => new ColumnBuilder(type));
  }

  append(columns: readonly Column[], row: number, high: number, low: number): void {
    this.#columns.forEach((builder, index) => builder.appendFrom(columns[index] as Column, row));
    this.#high.push(high);
    this.#low.push(low);
  }

  finish(): KeyList {
    return {
      columns: this.#columns.map((column) => column.finish()),
      rows: this.#high.length,
      high: Int32Array.from(this.#high),
      low: Int32Array.from(this.#low),
    };
  }
}

/** Some of the keys, in the order of `rows`. */
export function pickKeys(schema: Schema, keys: KeyList, rows: readonly number[]): KeyList {
  const builder = new KeyListBuilder(schema);
  for (const row of rows) {
    builder.append(keys.columns, row, keys.high[row] as number, keys.low[row] as number);
  }
  return builder.finish();
}

/** The columns of the key alone, in key order. */
function keySchema(schema: Schema): Schema {
  return {
    ...schema,
    columns: keyIndices(schema).map((index) => schema.columns[index] as Schema['columns'][number]),
  };
}

/**
 * The keys of all rows one side brought: hashes find what differs, but only keys can be asked for, and neither a source
 * nor a table is read again to learn them.
 */
export class KeyLog {
  readonly #schema: Schema;
  readonly #scratch: Scratch;
  readonly #limitBytes: number;
  #frames: Uint8Array[] = [];
  #heldBytes = 0;
  readonly #spilled: { readonly name: string; readonly lengths: readonly number[] }[] = [];

  constructor(schema: Schema, scratch: Scratch, limitBytes = HELD_KEY_BYTES) {
    this.#schema = keySchema(schema);
    this.#scratch = scratch;
    this.#limitBytes = limitBytes;
  }

  async add(columns: readonly Column[], rows: number): Promise<void> {
    if (rows === 0) return;
    const batch: Batch = { schema: this.#schema, rows, columns, changes: undefined };
    const frame = encodeFrame(batch);
    this.#frames.push(frame);
    this.#heldBytes += frame.length;
    if (this.#heldBytes < this.#limitBytes) return;
    const frames = this.#frames;
    this.#frames = [];
    this.#heldBytes = 0;
    const name = await this.#scratch.put(frames);
    this.#spilled.push({ name, lengths: frames.map(({ length }) => length) });
  }

  /** Appends to `found` the keys whose hashes are in `wanted` and not yet in `taken`, which grows by them. */
  async collect(
    wanted: HashIndex,
    taken: HashIndex,
    found: KeyListBuilder,
    signal: AbortSignal,
  ): Promise<void> {
    const look = (frame: Uint8Array): void => {
      const { columns, rows } = decodeFrame(frame, this.#schema);
      const { high, low } = hashRows(columns, rows);
      for (let row = 0; row < rows; row += 1) {
        const h = high[row] as number;
        const l = low[row] as number;
        if (wanted.find(h, l) === NOT_FOUND || taken.find(h, l) !== NOT_FOUND) continue;
        taken.add(h, l);
        found.append(columns, row, h, l);
      }
    };
    for (const { name, lengths } of this.#spilled) {
      await sleep(0, signal);
      const bytes = await this.#scratch.get(name);
      let at = 0;
      for (const length of lengths) {
        look(bytes.subarray(at, at + length));
        at += length;
      }
    }
    for (const frame of this.#frames) look(frame);
  }
}
