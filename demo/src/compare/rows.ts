/** One row, column by column as text. */
export type Row = readonly (string | null)[];

/** Rows in order, some thousands at a time. */
export type RowBlocks = AsyncGenerator<readonly Row[], void, undefined>;
