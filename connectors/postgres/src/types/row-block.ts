/** Rows being encoded together, column by column: where each one's next field goes. */
export interface RowBlock {
  /** Rows of the batch. */
  readonly rows: Int32Array;
  /** Bytes each row takes, its field count included. */
  readonly sizes: Int32Array;
  /** Where the next field of each row is written. */
  readonly cursors: Int32Array;
  /** What is written to; the frame that is being filled. */
  bytes: Uint8Array;
  view: DataView;
}

/** Rows per block: a block's bytes stay in the second-level cache while column after column is written. */
export const ENCODE_BLOCK_ROWS = 512;

export function newRowBlock(): RowBlock {
  const bytes = new Uint8Array(0);
  return {
    rows: new Int32Array(ENCODE_BLOCK_ROWS),
    sizes: new Int32Array(ENCODE_BLOCK_ROWS),
    cursors: new Int32Array(ENCODE_BLOCK_ROWS),
    bytes,
    view: new DataView(bytes.buffer),
  };
}
