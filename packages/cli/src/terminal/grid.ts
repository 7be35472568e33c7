import Table from 'cli-table3';
import { harmless } from './width.ts';

const PLAIN = {
  top: '',
  'top-mid': '',
  'top-left': '',
  'top-right': '',
  bottom: '',
  'bottom-mid': '',
  'bottom-left': '',
  'bottom-right': '',
  left: '',
  'left-mid': '',
  mid: '',
  'mid-mid': '',
  right: '',
  'right-mid': '',
  middle: '  ',
};

/** Rows under their headings, columns aligned, no frame. Nulls show as ∅ so that they differ from empty text. */
export function grid(
  headings: readonly string[],
  rows: readonly (readonly (string | null)[])[],
  rightAligned: readonly number[] = [],
): string {
  const table = new Table({
    head: headings.map(harmless),
    chars: PLAIN,
    colAligns: headings.map((_, index) => (rightAligned.includes(index) ? 'right' : 'left')),
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 0 },
  });
  for (const row of rows) table.push(row.map((cell) => (cell === null ? '∅' : harmless(cell))));
  return table
    .toString()
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n');
}

/** RFC 4180. Null is an empty field, empty text is `""`. */
export function csv(headings: readonly string[], rows: readonly (readonly (string | null)[])[]): string {
  return [headings, ...rows].map((row) => row.map(csvField).join(',')).join('\r\n');
}

function csvField(value: string | null): string {
  if (value === null) return '';
  return value === '' || /[",\r\n]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value;
}
