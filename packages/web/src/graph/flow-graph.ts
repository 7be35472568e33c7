import type { RunSummary } from '@brimful/api';
import type { RuntimeStatus } from '@brimful/model';
import { Graph, layout } from '@dagrejs/dagre';
import type { Edge, Node } from '@xyflow/react';
import { isActive } from '../run/run-words.ts';
import { rowsPerSecondOf } from '../sources/capture-words.ts';
import { lag, rowRate } from '../words/quantity.ts';

export interface FlowData extends Record<string, unknown> {
  readonly kind: 'capture' | 'collection' | 'materialization';
  readonly name: string;
  readonly state: string;
  readonly note: string;
  /** An active run reads, rebuilds or merges into it. */
  readonly touched: boolean;
}

export type FlowNodeType = Node<FlowData, 'flow'>;

interface FlowGraph {
  readonly nodes: readonly FlowNodeType[];
  readonly edges: readonly Edge[];
}

const WIDTH = 240;
const HEIGHT = 64;
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
      node(
        'capture',
        capture.name,
        capture.state,
        `${rowRate(rowsPerSecondOf(capture))} · ${lag(capture.lagMilliseconds)}`,
        active.some(({ request }) => request.task === capture.name),
      ),
    ),
    ...captures.flatMap(({ name, bindings }) =>
      bindings.map(({ collection, phase, rowsPerSecond }) =>
        node(
          'collection',
          collection,
          phase,
          rowsPerSecond === 0 ? phase : `${phase} · ${rowRate(rowsPerSecond)}`,
          touches(name, collection),
        ),
      ),
    ),
    ...materializations.map(({ name, state, rowsPerSecond, lagMilliseconds, bindings }) =>
      node(
        'materialization',
        name,
        state,
        `${rowRate(rowsPerSecond)} · ${lag(lagMilliseconds)}`,
        bindings.some(
          ({ collection }) => touches(name, collection) || touches(owners.get(collection) ?? '', collection),
        ),
      ),
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

function node(
  kind: FlowData['kind'],
  name: string,
  state: string,
  note: string,
  touched: boolean,
): FlowNodeType {
  return {
    id: `${kind} ${name}`,
    type: 'flow',
    position: ORIGIN,
    width: WIDTH,
    height: HEIGHT,
    data: { kind, name, state, note, touched },
    ariaLabel: `${kind} ${name}, ${state}, ${note}`,
  };
}

function edge(source: string, target: string, animated: boolean): Edge {
  return { id: `${source} ${target}`, source, target, animated, focusable: false };
}

export type Places = ReadonlyMap<string, { readonly x: number; readonly y: number }>;

export function nodePlaces({ nodes, edges }: FlowGraph): Places {
  const graph = new Graph()
    .setGraph({ rankdir: 'LR', nodesep: 14, ranksep: 110 })
    .setDefaultEdgeLabel(() => ({}));
  for (const { id } of nodes) graph.setNode(id, { width: WIDTH, height: HEIGHT });
  for (const { source, target } of edges) graph.setEdge(source, target);
  layout(graph);
  return new Map(
    nodes.map(({ id }) => {
      const { x = 0, y = 0 } = graph.node(id) as { readonly x?: number; readonly y?: number };
      return [id, { x: x - WIDTH / 2, y: y - HEIGHT / 2 }];
    }),
  );
}

export function withPlaces(nodes: readonly FlowNodeType[], places: Places): FlowNodeType[] {
  return nodes.map((one) => ({ ...one, position: places.get(one.id) ?? ORIGIN }));
}
