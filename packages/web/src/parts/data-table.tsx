import { useVirtualizer } from '@tanstack/react-virtual';
import type { ReactNode } from 'react';
import { useMemo, useRef, useState } from 'react';
import classes from './data-table.module.css';

export interface DataColumn<Row> {
  readonly id: string;
  readonly header: ReactNode;
  readonly cell: (row: Row) => ReactNode;
  /** What it is sorted by; absent: the column cannot be sorted by. */
  readonly order?: (row: Row) => number | string;
  readonly align?: 'right';
  readonly width?: string;
}

interface DataTableProps<Row> {
  /** Says what the table is, for those who cannot see where it stands. */
  readonly label: string;
  readonly columns: readonly DataColumn<Row>[];
  readonly rows: readonly Row[];
  readonly rowKey: (row: Row) => string;
  readonly empty?: ReactNode;
  readonly maxHeight?: number;
  /** Rows of data rather than of things: narrow, monospaced. */
  readonly dense?: boolean;
}

interface Sorting {
  readonly id: string;
  readonly descending: boolean;
}

const ROW_PIXELS = 45;
const DENSE_ROW_PIXELS = 31;
/** Fewer are all drawn: finding them with the browser's search matters more than the work saved. */
const ALL_DRAWN = 80;
const OVERSCAN = 12;

/** A real table of any length: only what is in view is drawn once it is long. Sorted by clicking a heading. */
export function DataTable<Row>(props: DataTableProps<Row>) {
  const { label, columns, rows, rowKey, empty, maxHeight = 640, dense = false } = props;
  const [sorting, setSorting] = useState<Sorting | null>(null);
  const sorted = useMemo(() => sortedRows(rows, columns, sorting), [rows, columns, sorting]);
  const scroller = useRef<HTMLDivElement>(null);
  const virtualizer = useVirtualizer({
    count: sorted.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => (dense ? DENSE_ROW_PIXELS : ROW_PIXELS),
    overscan: OVERSCAN,
    enabled: sorted.length > ALL_DRAWN,
  });
  const isLong = sorted.length > ALL_DRAWN;
  const items = isLong ? virtualizer.getVirtualItems() : null;
  const drawn =
    items === null
      ? sorted.map((row, index) => ({ row, index }))
      : items.flatMap(({ index }) => {
          const row = sorted[index];
          return row === undefined ? [] : [{ row, index }];
        });
  const before = items?.[0]?.start ?? 0;
  const after = items === null ? 0 : virtualizer.getTotalSize() - (items.at(-1)?.end ?? 0);
  if (rows.length === 0 && empty !== undefined) return <>{empty}</>;
  return (
    // Focusable because it scrolls: the keyboard must reach what the wheel does.
    <div
      ref={scroller}
      className={classes.scroller}
      style={{ maxHeight }}
      tabIndex={0}
      role="group"
      aria-label={label}
    >
      <table className={classes.table} data-dense={dense || undefined} aria-rowcount={sorted.length + 1}>
        <thead>
          <tr>
            {columns.map((column) => (
              <HeadCell key={column.id} column={column} sorting={sorting} onSort={setSorting} />
            ))}
          </tr>
        </thead>
        <tbody>
          {before > 0 && <tr style={{ height: before }} aria-hidden="true" />}
          {drawn.map(({ row, index }) => (
            <tr key={rowKey(row)} aria-rowindex={index + 2}>
              {columns.map(({ id, cell, align }) => (
                <td key={id} data-align={align}>
                  {cell(row)}
                </td>
              ))}
            </tr>
          ))}
          {after > 0 && <tr style={{ height: after }} aria-hidden="true" />}
        </tbody>
      </table>
    </div>
  );
}

interface HeadCellProps<Row> {
  readonly column: DataColumn<Row>;
  readonly sorting: Sorting | null;
  readonly onSort: (sorting: Sorting | null) => void;
}

function HeadCell<Row>({ column, sorting, onSort }: HeadCellProps<Row>) {
  const { id, header, order, align, width } = column;
  const mine = sorting?.id === id ? sorting : null;
  const direction = mine === null ? 'none' : mine.descending ? 'descending' : 'ascending';
  const next = mine === null ? { id, descending: false } : mine.descending ? null : { id, descending: true };
  return (
    <th
      scope="col"
      data-align={align}
      style={width === undefined ? undefined : { width }}
      aria-sort={order === undefined ? undefined : direction}
    >
      {order === undefined ? (
        header
      ) : (
        <button type="button" className={classes.sort} onClick={() => onSort(next)}>
          {header}
          <span aria-hidden="true">{mine === null ? '' : mine.descending ? ' ↓' : ' ↑'}</span>
        </button>
      )}
    </th>
  );
}

function sortedRows<Row>(
  rows: readonly Row[],
  columns: readonly DataColumn<Row>[],
  sorting: Sorting | null,
): readonly Row[] {
  const order = columns.find(({ id }) => id === sorting?.id)?.order;
  if (order === undefined || sorting === null) return rows;
  const sign = sorting.descending ? -1 : 1;
  return rows.toSorted((left, right) => {
    const [a, b] = [order(left), order(right)];
    const less = typeof a === 'string' && typeof b === 'string' ? a.localeCompare(b) < 0 : a < b;
    return a === b ? 0 : less ? -sign : sign;
  });
}
