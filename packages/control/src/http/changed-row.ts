import type { Batch, OperationCode } from '@brimful/model';
import { isUnknown, Operation, operationAt, valueText } from '@brimful/model';

/** One row or change of a collection, for people. Values are text as the source would print it. */
export interface ChangedRow {
  readonly operation: keyof typeof Operation | 'truncate';
  /** When the source committed the change; absent for scanned rows. */
  readonly committedAt?: string;
  /** Of a move: the key before. */
  readonly oldKey?: readonly (string | null)[];
  /** Columns whose value is known. */
  readonly values: Readonly<Record<string, string | null>>;
}

const NAMES = Object.fromEntries(Object.entries(Operation).map(([name, code]) => [code, name])) as Readonly<
  Record<OperationCode, keyof typeof Operation>
>;

export function changedRow(batch: Batch, row: number): ChangedRow {
  const operation = operationAt(batch, row);
  const { key, columns } = batch.schema;
  const values: Record<string, string | null> = {};
  for (const [index, column] of batch.columns.entries()) {
    const name = columns[index]?.name ?? '';
    const meaningless = operation === Operation.delete && key.length > 0 && !key.includes(name);
    if (meaningless || isUnknown(column, row)) continue;
    values[name] = valueText(column, row);
  }
  const { changes } = batch;
  if (changes === undefined) return { operation: NAMES[operation], values };
  const milliseconds = Number((changes.committedAt[row] ?? 0n) / 1000n);
  const oldKey =
    operation === Operation.move ? changes.oldKey?.map((column) => valueText(column, row)) : undefined;
  return {
    operation: NAMES[operation],
    committedAt: new Date(milliseconds).toISOString(),
    ...(oldKey === undefined ? {} : { oldKey }),
    values,
  };
}
