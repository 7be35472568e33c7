import { expect, test } from 'vitest';
import { condensed } from './condensed.ts';
import type { FlowGraph, FlowNodeType } from './flow-graph.ts';
import { edge, node } from './flow-graph.ts';

const one = (
  kind: FlowNodeType['data']['kind'],
  name: string,
  state: string,
  touched = false,
): FlowNodeType => node({ kind, name, label: name, state, note: '', touched, muted: false });

function shop(tables: number): FlowGraph {
  const names = Array.from({ length: tables }, (_, index) => `t${index}`);
  return {
    nodes: [
      one('capture', 'shop', 'running'),
      ...names.map((name, index) =>
        one('collection', name, index === tables - 1 ? 'failed' : 'streaming', index === tables - 2),
      ),
      one('materialization', 'lake', 'running'),
    ],
    edges: names.flatMap((name) => [
      edge('capture shop', `collection ${name}`, false),
      edge(`collection ${name}`, 'materialization lake', false),
    ]),
  };
}

test('few collections are all drawn', () => {
  const graph = shop(40);
  expect(condensed(graph)).toBe(graph);
});

test('of a thousand the last ones are drawn when these are what matters, and one stands for the rest', () => {
  const { nodes, edges } = condensed(shop(1000));
  const labels = nodes.map(({ data }) => data.label);
  expect(nodes).toHaveLength(43);
  expect(labels).toEqual(expect.arrayContaining(['t998', 't999', 'and 960 more collections']));
  expect(nodes.at(-1)?.data.note).toBe('960 streaming');
  expect(edges).toHaveLength(82);
});
