import type { ColumnType } from '@brimful/model';

/** One column of a COPY IN: which of the batch's columns, and what the destination's column holds. */
export interface EncodeColumn {
  /** Index in the batch's columns. */
  readonly source: number;
  /** The destination column's type: the batch's own or a wider one. */
  readonly type: ColumnType;
  /** For messages. */
  readonly name: string;
}
