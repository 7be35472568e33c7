import { protocolProblem } from '../types/value-problem.ts';

const NULL = 0x6e;
const UNCHANGED = 0x75;
const TEXT = 0x74;

/** In `Tuple.starts` instead of a position. */
export const NULL_FIELD = -1;
/** A TOASTed value that the update did not touch: the log does not have it. */
export const UNCHANGED_FIELD = -2;

/** Where the fields of one TupleData lie. Made once per table and filled again for every row. */
export class Tuple {
  readonly starts: Int32Array;
  readonly ends: Int32Array;

  constructor(fields: number) {
    this.starts = new Int32Array(fields);
    this.ends = new Int32Array(fields);
  }

  /** Notes the fields of the TupleData at `start` and returns where it ends. */
  read(buffer: Uint8Array, start: number, limit: number): number {
    const { starts, ends } = this;
    const fields = starts.length;
    if ((((buffer[start] as number) << 8) | (buffer[start + 1] as number)) !== fields) {
      throw protocolProblem('a row in pgoutput has another number of columns than its relation');
    }
    let at = start + 2;
    for (let field = 0; field < fields; field += 1) {
      const kind = buffer[at];
      at += 1;
      if (kind === TEXT) {
        const length =
          ((buffer[at] as number) << 24) |
          ((buffer[at + 1] as number) << 16) |
          ((buffer[at + 2] as number) << 8) |
          (buffer[at + 3] as number);
        starts[field] = at + 4;
        at += 4 + length;
        ends[field] = at;
      } else if (kind === NULL) {
        starts[field] = NULL_FIELD;
      } else if (kind === UNCHANGED) {
        starts[field] = UNCHANGED_FIELD;
      } else {
        throw protocolProblem(`pgoutput sent a value of kind ${kind}: only text was asked for`);
      }
    }
    if (at > limit) throw protocolProblem('a row in pgoutput is longer than its message');
    return at;
  }

  isUnchanged(field: number): boolean {
    return this.starts[field] === UNCHANGED_FIELD;
  }

  /** Takes a field of another tuple in the same buffer. */
  take(field: number, from: Tuple): void {
    this.starts[field] = from.starts[field] as number;
    this.ends[field] = from.ends[field] as number;
  }

  /** Whether a field has the same text in both tuples, which are in the same buffer. */
  sameField(field: number, other: Tuple, buffer: Uint8Array): boolean {
    const start = this.starts[field] as number;
    const otherStart = other.starts[field] as number;
    if (start < 0 || otherStart < 0) return start === otherStart;
    const length = (this.ends[field] as number) - start;
    if (length !== (other.ends[field] as number) - otherStart) return false;
    for (let index = 0; index < length; index += 1) {
      if (buffer[start + index] !== buffer[otherStart + index]) return false;
    }
    return true;
  }
}
