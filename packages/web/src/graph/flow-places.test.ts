import { expect, test } from 'vitest';
import type { FlowGraph, FlowNodeType } from './flow-graph.ts';
import { edge, node, NODE_HEIGHT } from './flow-graph.ts';
import { nodePlaces } from './flow-places.ts';

function shop(tables: number): FlowGraph {
  const names = Array.from({ length: tables }, (_, index) => `shop/t${index}`);
  const one = (kind: FlowNodeType['data']['kind'], name: string): FlowNodeType =>
    node({ kind, name, label: name, state: 'running', note: '', touched: false, muted: false });
  return {
    nodes: [
      one('capture', 'shop/postgres'),
      ...names.map((name) => one('collection', name)),
      one('materialization', 'shop/lake'),
      one('materialization', 'shop/copy'),
    ],
    edges: names.flatMap((name) => [
      edge('capture shop/postgres', `collection ${name}`, false),
      edge(`collection ${name}`, 'materialization shop/lake', false),
      edge(`collection ${name}`, 'materialization shop/copy', false),
    ]),
  };
}

test('two destinations of the same tables do not lie on each other, and are beside their middle', () => {
  const places = nodePlaces(shop(5));
  const [lake, copy] = [places.get('materialization shop/lake'), places.get('materialization shop/copy')];
  expect(Math.abs((lake?.y ?? 0) - (copy?.y ?? 0))).toBeGreaterThan(NODE_HEIGHT);
  expect(((lake?.y ?? 0) + (copy?.y ?? 0)) / 2).toBeCloseTo(places.get('capture shop/postgres')?.y ?? -1);
  expect(new Set([...places.values()].map(({ x }) => x)).size).toBe(3);
});

test('a thousand tables have places of their own', () => {
  const places = nodePlaces(shop(1000));
  expect(new Set([...places.values()].map(({ x, y }) => `${x} ${y}`)).size).toBe(1003);
});

test('what is connected with nothing has a place, too', () => {
  const { nodes } = shop(0);
  expect(nodePlaces({ nodes, edges: [] }).size).toBe(3);
});
