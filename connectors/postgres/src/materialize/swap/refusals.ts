import { DELETED_AT_COLUMN } from '@brimful/connector';
import type { TablePlan } from '@brimful/model';

import type { TableShape } from '../table-shape.ts';
import type { CatalogView, RelationCatalog, Tie } from './relation-catalog.ts';

/** Something that a swap cannot carry. */
export interface Refusal {
  readonly what: string;
  readonly why: string;
  readonly remedy: string;
}

/** Kinds that stay behind without harm. */
const HARMLESS: ReadonlySet<string> = new Set(['statistics']);

const REASONS: Readonly<Record<string, Pick<Refusal, 'why' | 'remedy'>>> = {
  'materialized view': {
    why: 'it would go on reading the previous generation at every refresh',
    remedy:
      'Drop it before the run and create it again afterwards, or let it read the table through a plain view.',
  },
  'incoming foreign key': {
    why: 'it would go on referring to the previous generation',
    remedy: 'Drop the constraint before the run and add it again afterwards.',
  },
  'foreign key': {
    why: 'only the source decides what its rows may refer to',
    remedy: 'Drop the constraint.',
  },
  'row-level-security policy': {
    why: 'rows that it hides would show until somebody made it anew',
    remedy: 'Put the policy on a view, or disable row-level security for the time of the run.',
  },
  trigger: {
    why: 'it would fire while the next generation is filled, or not at all',
    remedy: 'Drop the trigger before the run and create it again afterwards.',
  },
  publication: {
    why: 'its subscribers would go on following the previous generation',
    remedy: 'Take the table out of the publication for the time of the run.',
  },
  inheritance: {
    why: 'it belongs to the table itself, not to its name',
    remedy: 'End the inheritance first.',
  },
  'partitioned table': { why: 'it has partitions', remedy: 'Let Brimful write to a table of its own.' },
  rule: {
    why: 'it belongs to the table itself, not to its name',
    remedy: 'Drop the rule before the run and create it again afterwards.',
  },
  function: {
    why: "it is tied to the table's row type or identity, not to its name",
    remedy: 'Drop the function before the run and create it again afterwards.',
  },
};

const OTHER: Pick<Refusal, 'why' | 'remedy'> = {
  why: 'it is tied to the table itself, not to its name',
  remedy: 'Drop it before the run and create it again afterwards.',
};

/** What keeps this table from being exchanged for another generation. `shape`: columns that Brimful writes. */
export function refusalsOf(
  catalog: RelationCatalog,
  shape: TableShape | undefined,
  adopted: boolean,
): Refusal[] {
  const refusals = catalog.tied
    .filter(({ kind }) => !HARMLESS.has(kind))
    .map(({ kind, what }: Tie): Refusal => ({ what, ...(REASONS[kind] ?? OTHER) }));
  if (adopted) {
    refusals.push({
      what: 'the table itself',
      why: 'Brimful has not made it and would put one of its own in its place',
      remedy: 'Choose another `table` name for the binding; Brimful then makes and keeps the table.',
    });
  }
  const written = new Set([...(shape?.columns.map(({ name }) => name) ?? []), DELETED_AT_COLUMN]);
  for (const column of shape === undefined || adopted ? [] : catalog.columns) {
    if (written.has(column.name) || column.generated !== '') continue;
    refusals.push({
      what: `column ${column.name}`,
      why: 'it was added by hand, and its values would stay in the previous generation',
      remedy: 'Keep its values in a table of their own, or drop the column.',
    });
  }
  return refusals;
}

/** What the next generation would break. */
export function misfits(live: RelationCatalog, next: RelationCatalog): Refusal[] {
  return live.views.flatMap((view) => {
    const wrong = view.columns.flatMap((name) => {
      const now = live.columns.find((column) => column.name === name);
      const then = next.columns.find((column) => column.name === name);
      if (now === undefined || (then === undefined && now.generated !== '')) return [];
      if (then === undefined) return [`column ${name} is not in the next generation`];
      return now.type === then.type && now.collation === then.collation
        ? []
        : [`column ${name} changes from ${now.type} to ${then.type}`];
    });
    const remedy = `Drop the view before the run and create it again afterwards: DROP VIEW ${view.view};`;
    return wrong.length === 0 ? [] : [{ what: `view ${view.view}`, why: wrong.join('; '), remedy }];
  });
}

/** All that hangs on the table, and what becomes of each in a swap. */
export function dependentsOf(
  catalog: RelationCatalog,
  refusals: readonly Refusal[],
): TablePlan['dependents'] {
  const carried = (what: string, note: string): TablePlan['dependents'][number] => ({
    what,
    carried: true,
    note,
  });
  const others = catalog.grants.filter(({ grantee }) => grantee !== catalog.owner);
  const grantees = [...new Set(others.map(({ grantee }) => grantee))];
  return [
    ...catalog.indexes.map(({ name, constraint }) =>
      carried(
        `index ${name}`,
        constraint?.kind === 'p'
          ? 'the key: its name is kept'
          : 'built on the next generation before the swap',
      ),
    ),
    ...catalog.checks.map(({ name }) =>
      carried(`check ${name}`, 'added to the next generation before the swap'),
    ),
    ...catalog.views.map(({ view }: CatalogView) =>
      carried(
        `view ${view}`,
        'recreated with the swap; refused if a column it reads changes its type or goes',
      ),
    ),
    ...grantees.map((grantee) =>
      carried(`rights of ${grantee}`, 'granted on the next generation before the swap'),
    ),
    ...catalog.columns.flatMap(({ name, identity, generated, expression }) => {
      if (identity !== '') return [carried(`identity of column ${name}`, 'goes on counting where it stands')];
      if (generated !== '') return [carried(`generated column ${name}`, 'computed anew')];
      return expression === null ? [] : [carried(`default of column ${name}`, 'set on the next generation')];
    }),
    ...catalog.tied
      .filter(({ kind }) => HARMLESS.has(kind))
      .map(({ what }) => ({ what, carried: false, note: 'stays with the previous generation' })),
    ...refusals.map(({ what, why }) => ({ what, carried: false, note: why })),
  ];
}
