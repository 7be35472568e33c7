import { count } from '../words/quantity.ts';
import type { FlowGraph, FlowNodeType } from './flow-graph.ts';
import { edge, node } from './flow-graph.ts';

/** More are no picture any more, and slow to draw. */
const SHOWN_LIMIT = 40;
const UNREMARKABLE: ReadonlySet<string> = new Set(['streaming', 'live']);

/**
 * With many collections only some are drawn: those a run touches and those that are not simply streaming first. One node
 * for each source stands for the rest.
 */
export function condensed(graph: FlowGraph): FlowGraph {
  const collections = graph.nodes.filter(({ data }) => data.kind === 'collection');
  if (collections.length <= SHOWN_LIMIT) return graph;
  const byRemark = collections.toSorted((left, right) => rankOf(right) - rankOf(left));
  const shown = new Set(byRemark.slice(0, SHOWN_LIMIT).map(({ id }) => id));
  const hidden = new Set(byRemark.slice(SHOWN_LIMIT).map(({ id }) => id));
  const sourceOf = new Map(
    graph.edges.filter(({ target }) => hidden.has(target)).map(({ source, target }) => [target, source]),
  );
  const rests = Map.groupBy(
    collections.filter(({ id }) => hidden.has(id)),
    ({ id }) => sourceOf.get(id) ?? '',
  );
  const restOf = new Map<string, FlowNodeType>();
  const rest = [...rests].map(([source, its]) => {
    const one = restNode(source, its);
    for (const { id } of its) restOf.set(id, one);
    return one;
  });
  const edges = graph.edges.map(({ source, target, animated }) =>
    edge(restOf.get(source)?.id ?? source, restOf.get(target)?.id ?? target, animated ?? false),
  );
  return {
    nodes: [...graph.nodes.filter(({ data, id }) => data.kind !== 'collection' || shown.has(id)), ...rest],
    edges: [...new Map(edges.map((one) => [one.id, one])).values()],
  };
}

function rankOf({ data: { touched, state } }: FlowNodeType): number {
  return (touched ? 2 : 0) + (UNREMARKABLE.has(state) ? 0 : 1);
}

function restNode(source: string, its: readonly FlowNodeType[]): FlowNodeType {
  const states = [...Map.groupBy(its, ({ data }) => data.state)].map(
    ([state, same]) => `${count(same.length)} ${state}`,
  );
  const touched = its.every(({ data }) => data.touched);
  return node(
    {
      kind: 'collection',
      name: '',
      label: `and ${count(its.length)} more collections`,
      state: its[0]?.data.state ?? '',
      note: states.join(', '),
      touched,
      muted: its.every(({ data }) => data.muted),
    },
    `rest of ${source}`,
  );
}
