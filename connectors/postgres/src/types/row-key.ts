import type { Schema } from '@brimful/model';
import { ColumnBuilder, keyIndices } from '@brimful/model';
import { decodeColumn } from './binary-columns.ts';
import type { DecoderCode } from './decoder.ts';
import type { FieldBlock } from './field-block.ts';
import { literal } from './literal.ts';
import { UnfitValue } from './value-problem.ts';

/** The key of one row of a block as people read it, `id=7, part=x`; undefined without a key. Only for messages. */
export function describeKey(
  schema: Schema,
  decoders: readonly DecoderCode[],
  block: FieldBlock,
  row: number,
): string | undefined {
  const indices = keyIndices(schema);
  if (indices.length === 0) return undefined;
  const { fields } = block;
  const single: FieldBlock = {
    ...block,
    positions: block.positions.subarray(row * fields, (row + 1) * fields),
    rows: 1,
  };
  return indices
    .map((index, part) => {
      const column = schema.columns[index];
      const decoder = decoders[index];
      if (column === undefined || decoder === undefined) return `${schema.key[part]}=?`;
      return `${column.name}=${decodeOne(decoder, single, index, new ColumnBuilder(column.type))}`;
    })
    .join(', ');
}

function decodeOne(decoder: DecoderCode, block: FieldBlock, field: number, builder: ColumnBuilder): string {
  try {
    decodeColumn(decoder, block, field, builder);
  } catch (thrown) {
    // The key itself may be the value that cannot be read.
    if (thrown instanceof UnfitValue) return '?';
    throw thrown;
  }
  return literal(builder.finish(), 0) ?? 'null';
}
