import type { FlowData, FlowGraph } from './flow-graph.ts';
import { NODE_HEIGHT, NODE_WIDTH } from './flow-graph.ts';

export type Places = ReadonlyMap<string, { readonly x: number; readonly y: number }>;

const COLUMN_PIXELS = NODE_WIDTH + 130;
const ROW_PIXELS = NODE_HEIGHT + 14;
const COLUMN: Readonly<Record<FlowData['kind'], number>> = { capture: 0, collection: 1, materialization: 2 };

/**
 * Three columns: collections in their order, and beside them sources and destinations at the height of what they are
 * connected with. In linear time but for a sort: a thousand tables are placed within a moment.
 */
export function nodePlaces({ nodes, edges }: FlowGraph): Places {
  const ordered = nodes.filter(({ data }) => data.kind === 'collection');
  const rows = new Map(ordered.map(({ id }, index) => [id, index * ROW_PIXELS] as const));
  const heights = new Map<string, { sum: number; count: number }>();
  for (const { source, target } of edges) {
    note(heights, source, rows.get(target));
    note(heights, target, rows.get(source));
  }
  const places = new Map([...rows].map(([id, y]) => [id, { x: COLUMN_PIXELS, y }] as const));
  for (const kind of ['capture', 'materialization'] as const) {
    const column = nodes
      .filter(({ data }) => data.kind === kind)
      .map(({ id }) => ({ id, wanted: wantedOf(heights.get(id)) }))
      .toSorted((left, right) => left.wanted - right.wanted);
    const apart = pushedApart(column.map(({ wanted }) => wanted));
    for (const [index, { id }] of column.entries())
      places.set(id, { x: COLUMN[kind] * COLUMN_PIXELS, y: apart[index] ?? 0 });
  }
  return places;
}

function note(
  heights: Map<string, { sum: number; count: number }>,
  id: string,
  height: number | undefined,
): void {
  if (height === undefined) return;
  const { sum, count } = heights.get(id) ?? { sum: 0, count: 0 };
  heights.set(id, { sum: sum + height, count: count + 1 });
}

function wantedOf(height: { readonly sum: number; readonly count: number } | undefined): number {
  return height === undefined ? 0 : height.sum / height.count;
}

/** None lies on another, and together they are where they wanted to be. */
function pushedApart(wanted: readonly number[]): readonly number[] {
  let last = Number.NEGATIVE_INFINITY;
  const pushed = wanted.map((height) => {
    last = Math.max(height, last + ROW_PIXELS);
    return last;
  });
  const tooLow =
    pushed.reduce((sum, height, index) => sum + height - (wanted[index] ?? 0), 0) /
    Math.max(1, pushed.length);
  return pushed.map((height) => height - tooLow);
}
