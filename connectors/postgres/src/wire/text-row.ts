/** A statement's row, values as text; null is null. */
export type TextRow = readonly (string | null)[];

/** A value as a number; undefined when it is null or not there. */
export function numberOf(text: string | null | undefined): number | undefined {
  return text === null || text === undefined ? undefined : Number(text);
}

const UTF8 = new TextDecoder();

/** Reads a DataRow's body: a count, then length and bytes of each value. */
export function readDataRow(buffer: Uint8Array, start: number): TextRow {
  const view = new DataView(buffer.buffer, buffer.byteOffset);
  const count = view.getInt16(start);
  const row: (string | null)[] = [];
  let at = start + 2;
  for (let index = 0; index < count; index += 1) {
    const length = view.getInt32(at);
    at += 4;
    if (length < 0) row.push(null);
    else {
      row.push(UTF8.decode(buffer.subarray(at, at + length)));
      at += length;
    }
  }
  return row;
}
