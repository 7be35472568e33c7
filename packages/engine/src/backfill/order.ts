import { Problem } from '@brimful/model';

/** What must come before what: for each name, the names it needs. Names that stand only on the right need nothing. */
export type Graph = ReadonlyMap<string, Iterable<string>>;

/**
 * For each name how long the longest way to something that needs nothing is: 0 for those themselves. Whatever is on one
 * level needs nothing else on it. Throws `BRM-PLAN-CYCLE` naming a cycle, should there be one.
 */
export function levelsOf(graph: Graph): ReadonlyMap<string, number> {
  const needs = new Map<string, readonly string[]>();
  const neededBy = new Map<string, string[]>();
  for (const [name, before] of graph) {
    needs.set(name, [...new Set(before)]);
    for (const other of needs.get(name) ?? []) {
      if (!graph.has(other)) needs.set(other, []);
      const after = neededBy.get(other) ?? [];
      after.push(name);
      neededBy.set(other, after);
    }
  }
  const missing = new Map([...needs].map(([name, before]) => [name, before.length]));
  const levels = new Map<string, number>();
  let ready = [...needs.keys()].filter((name) => missing.get(name) === 0);
  for (let level = 0; ready.length > 0; level += 1) {
    const next: string[] = [];
    for (const name of ready) {
      levels.set(name, level);
      for (const other of neededBy.get(name) ?? []) {
        const left = (missing.get(other) ?? 0) - 1;
        missing.set(other, left);
        // The last of its needs is on this level, so it is on the next.
        if (left === 0) next.push(other);
      }
    }
    ready = next;
  }
  if (levels.size === needs.size) return levels;
  throw cycle(needs, levels);
}

/** Walks back from anything that could not be placed: sooner or later a name comes again. */
function cycle(needs: ReadonlyMap<string, readonly string[]>, placed: ReadonlyMap<string, number>): Problem {
  const way: string[] = [];
  let name = [...needs.keys()].find((candidate) => !placed.has(candidate));
  while (name !== undefined && !way.includes(name)) {
    way.unshift(name);
    name = needs.get(name)?.find((other) => !placed.has(other));
  }
  const names = name === undefined ? way : [name, ...way.slice(0, way.indexOf(name) + 1)];
  return new Problem('BRM-PLAN-CYCLE', `These need each other: ${names.join(' → ')}.`, {
    remedy: 'Nothing can be rebuilt in an order while they do. Take one of them out of the circle.',
  });
}
