import type { CollectionGenerations, TableGenerations } from '../collection/generations.ts';
import { FIRST_GENERATION, FIRST_TABLE } from '../collection/generations.ts';
import type { SimulatedWorld } from './simulated-pipe.ts';

/** What is there and belongs to no generation that readers have, when all runs are over. */
export function* leftovers({ disk, source, targets }: SimulatedWorld): Iterable<string> {
  const record = <V>(key: string, first: V): V => {
    const text = disk.records.get(key)?.value;
    return text === undefined ? first : (JSON.parse(text) as V);
  };
  const names = source.tables.map(({ name }) => name.slice('public.'.length));
  const lives = new Set<string>();
  for (const name of names) {
    const { current, next, previous } = record<CollectionGenerations>(
      `generations/shop/${name}`,
      FIRST_GENERATION,
    );
    if (next !== null || previous !== null) yield `generations ${next} and ${previous} of ${name}`;
    lives.add(`shop/${name}/${current}`);
  }
  for (const id of disk.journals.keys())
    if (!lives.has(id.slice(0, id.lastIndexOf('/')))) yield `journal ${id}`;
  for (const key of disk.records.keys()) {
    const [kind, ...rest] = key.split('/');
    if ((kind === 'schemas' || kind === 'bases') && !lives.has(rest.join('/'))) yield `record ${key}`;
  }
  const bases = [...disk.records]
    .filter(([key]) => key.startsWith('bases/'))
    .flatMap(([, { value }]) => JSON.parse(value) as { readonly journal: string }[]);
  for (const id of disk.journals.keys())
    if (id.includes('/base-') && !bases.some(({ journal }) => journal === id)) yield `unfinished base ${id}`;
  const claimed = disk.claimed();
  for (const blob of disk.blobs.keys()) if (!claimed.has(blob)) yield `blob ${blob}`;
  for (const [materialization, target] of targets) {
    for (const name of names) {
      const { next, previous } = record<TableGenerations>(`tables/${materialization}/${name}`, FIRST_TABLE);
      if (next !== null || previous !== null)
        yield `a note of another generation of ${materialization}: ${name}`;
    }
    for (const table of target.tables.keys())
      if (!names.includes(table)) yield `table ${materialization}: ${table}`;
  }
}
