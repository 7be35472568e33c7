import type { RunSummary } from '@brimful/api';
import type { RuntimeStatus } from '@brimful/model';
import type { Edge, Node } from '@xyflow/react';
import { isActive } from '../run/run-words.ts';
import { rowsPerSecondOf } from '../sources/capture-words.ts';
import { lag, rowRate } from '../words/quantity.ts';
import type { Places } from './flow-places.ts';

export interface FlowData extends Record<string, unknown> {
  readonly kind: 'capture' | 'collection' | 'materialization';
  /** Its page's. */
  readonly name: string;
  readonly label: string;
  readonly state: string;
  readonly note: string;
  /** A run reads, rebuilds or merges into it. */
  readonly touched: boolean;
  /** It is not what is looked at. */
  readonly muted: boolean;
}

export type FlowNodeType = Node<FlowData, 'flow'>;

export interface FlowGraph {
  readonly nodes: readonly FlowNodeType[];
  readonly edges: readonly Edge[];
}

export const NODE_WIDTH = 240;
export const NODE_HEIGHT = 64;
const ORIGIN = { x: 0, y: 0 };

export function graphOf(
  { captures, materializations }: RuntimeStatus,
  runs: readonly RunSummary[],
): FlowGraph {
  const active = runs.filter(({ state }) => isActive(state));
  const touches = (task: string, collection: string): boolean =>
    active.some(({ request }) => request.task === task && (request.bindings?.includes(collection) ?? true));
  const owners = new Map(
    captures.flatMap(({ name, bindings }) => bindings.map(({ collection }) => [collection, name] as const)),
  );
  const nodes = [
    ...captures.map((capture) =>
      node({
        kind: 'capture',
        name: capture.name,
        label: capture.name,
        state: capture.state,
        note: `${rowRate(rowsPerSecondOf(capture))} · ${lag(capture.lagMilliseconds)}`,
        touched: active.some(({ request }) => request.task === capture.name),
        muted: false,
      }),
    ),
    ...captures.flatMap(({ name, bindings }) =>
      bindings.map(({ collection, phase, rowsPerSecond }) =>
        node({
          kind: 'collection',
          name: collection,
          label: collection,
          state: phase,
          note: rowsPerSecond === 0 ? phase : `${phase} · ${rowRate(rowsPerSecond)}`,
          touched: touches(name, collection),
          muted: false,
        }),
      ),
    ),
    ...materializations.map(({ name, state, rowsPerSecond, lagMilliseconds, bindings }) =>
      node({
        kind: 'materialization',
        name,
        label: name,
        state,
        note: `${rowRate(rowsPerSecond)} · ${lag(lagMilliseconds)}`,
        touched: bindings.some(
          ({ collection }) => touches(name, collection) || touches(owners.get(collection) ?? '', collection),
        ),
        muted: false,
      }),
    ),
  ];
  const edges = [
    ...captures.flatMap(({ name, bindings }) =>
      bindings.map(({ collection, rowsPerSecond }) =>
        edge(`capture ${name}`, `collection ${collection}`, rowsPerSecond > 0),
      ),
    ),
    ...materializations.flatMap(({ name, bindings }) =>
      bindings.map(({ collection, rowsPerSecond }) =>
        edge(`collection ${collection}`, `materialization ${name}`, rowsPerSecond > 0),
      ),
    ),
  ];
  return { nodes, edges };
}

/** `id`: where a name alone would not tell it from another. */
export function node(data: FlowData, id: string = data.name): FlowNodeType {
  return {
    id: `${data.kind} ${id}`,
    type: 'flow',
    position: ORIGIN,
    width: NODE_WIDTH,
    height: NODE_HEIGHT,
    data,
    ariaLabel: `${data.kind} ${data.label}, ${data.state}, ${data.note}`,
  };
}

export function edge(source: string, target: string, animated: boolean): Edge {
  return { id: `${source} ${target}`, source, target, animated, focusable: false };
}

/** Only what a run is about stands out: `notes` say by node what it does there. */
export function overlaid({ nodes, edges }: FlowGraph, notes: ReadonlyMap<string, string>): FlowGraph {
  return {
    nodes: nodes.map((one) => {
      const note = notes.get(one.id);
      const data = {
        ...one.data,
        note: note ?? one.data.note,
        touched: note !== undefined,
        muted: note === undefined,
      };
      return { ...one, data, ariaLabel: `${data.kind} ${data.label}, ${note ?? 'not touched by this run'}` };
    }),
    edges: edges.map((one) => ({ ...one, animated: notes.has(one.source) && notes.has(one.target) })),
  };
}

export function withPlaces(nodes: readonly FlowNodeType[], places: Places): FlowNodeType[] {
  return nodes.map((one) => ({ ...one, position: places.get(one.id) ?? ORIGIN }));
}
