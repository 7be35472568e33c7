import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Graph } from './order.ts';
import { levelsOf } from './order.ts';

const graph = (edges: Readonly<Record<string, readonly string[]>>): Graph => new Map(Object.entries(edges));

describe('the order of a graph', () => {
  test('collections, derivations of derivations and tables: each one level below the deepest of its needs', () => {
    const levels = levelsOf(
      graph({
        'derivation daily': ['orders', 'customers'],
        'derivation monthly': ['derivation daily'],
        'table orders': ['orders'],
        'table monthly': ['derivation monthly', 'customers'],
      }),
    );
    expect(Object.fromEntries(levels)).toEqual({
      orders: 0,
      customers: 0,
      'derivation daily': 1,
      'table orders': 1,
      'derivation monthly': 2,
      'table monthly': 3,
    });
  });

  test('a cycle is named', () => {
    expect(() => levelsOf(graph({ a: ['b'], b: ['c'], c: ['a'], d: ['a'] }))).toThrow(
      /need each other: (?:a → c → b → a|b → a → c → b|c → b → a → c)\./u,
    );
    expect(() => levelsOf(graph({ a: ['a'] }))).toThrow('a → a');
    expect(() => levelsOf(graph({ a: ['b', 'x'], b: ['a', 'x'] })), 'that can be entered').toThrow(
      'need each other',
    );
  });

  test('whatever needs something comes after it, and no later than it must', () => {
    const edges = fc.array(fc.tuple(fc.nat(30), fc.nat(30)), { maxLength: 80 });
    fc.assert(
      fc.property(edges, (pairs) => {
        const needs = new Map<string, Set<string>>();
        // From larger to smaller numbers only: no cycles.
        for (const [a, b] of pairs) {
          if (a === b) continue;
          const name = `n${Math.max(a, b)}`;
          needs.set(name, (needs.get(name) ?? new Set()).add(`n${Math.min(a, b)}`));
        }
        const levels = levelsOf(needs);
        for (const [name, before] of needs)
          expect(levels.get(name)).toBe(
            1 + Math.max(...[...before].map((other) => levels.get(other) ?? NaN)),
          );
      }),
    );
  });
});
