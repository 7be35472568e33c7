import type { MaterializationBindingStatus, MaterializationStatus } from '@brimful/model';
import type { DataColumn } from '../parts/data-table.tsx';
import { DataTable } from '../parts/data-table.tsx';
import { EmptyState } from '../parts/empty-state.tsx';
import { NameLink } from '../parts/name-link.tsx';
import { StateMark } from '../parts/state-mark.tsx';
import { lag } from '../words/quantity.ts';

interface Row {
  readonly name: string;
  readonly binding: MaterializationBindingStatus;
}

/** Unknown is worse than any number: nobody can say how old it is. */
function age({ binding }: Row): number {
  return binding.lagMilliseconds ?? Number.POSITIVE_INFINITY;
}

const COLUMNS: readonly DataColumn<Row>[] = [
  {
    id: 'table',
    header: 'Table',
    order: ({ binding }) => binding.table,
    cell: ({ binding }) => <span className="mono">{binding.table}</span>,
  },
  {
    id: 'where',
    header: 'Destination',
    order: ({ name }) => name,
    cell: ({ name }) => <NameLink kind="materialization" name={name} />,
  },
  {
    id: 'collection',
    header: 'Collection',
    cell: ({ binding }) => <NameLink kind="collection" name={binding.collection} />,
  },
  {
    id: 'phase',
    header: 'Phase',
    order: ({ binding }) => binding.phase,
    cell: ({ binding }) => <StateMark state={binding.phase} />,
  },
  {
    id: 'lag',
    header: 'Lag',
    align: 'right',
    order: age,
    cell: ({ binding }) =>
      binding.phase === 'live' ? (
        lag(binding.lagMilliseconds)
      ) : (
        <span className="quiet">not complete yet</span>
      ),
  },
];

export function Freshness({
  materializations,
}: {
  readonly materializations: readonly MaterializationStatus[];
}) {
  const rows = materializations
    .flatMap(({ name, bindings }) => bindings.map((binding) => ({ name, binding })))
    .toSorted((left, right) => (age(left) === age(right) ? 0 : age(right) - age(left)));
  return (
    <DataTable
      label="Freshness"
      columns={COLUMNS}
      rows={rows}
      rowKey={({ name, binding }) => `${name} ${binding.table}`}
      maxHeight={420}
      empty={
        <EmptyState title="No tables yet">
          Destinations appear here with the age of what they show.
        </EmptyState>
      }
    />
  );
}
