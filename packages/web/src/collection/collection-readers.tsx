import type { Collection } from '@brimful/api';
import { Stack } from '@mantine/core';
import { useMemo } from 'react';
import type { DataColumn } from '../parts/data-table.tsx';
import { DataTable } from '../parts/data-table.tsx';
import { EmptyState } from '../parts/empty-state.tsx';
import { Fact, Facts } from '../parts/fact.tsx';
import { NameLink } from '../parts/name-link.tsx';
import { StateMark } from '../parts/state-mark.tsx';
import { count, lag } from '../words/quantity.ts';

type Reader = Collection['readers'][number];

/** Who fills the collection and who takes from it, and how far each is. */
export function CollectionReaders({ collection }: { readonly collection: Collection }) {
  const { next } = collection.journal;
  const columns = useMemo(() => columnsOf(next), [next]);
  return (
    <Stack>
      <Facts>
        <Fact name="Writer" note={collection.resource}>
          <NameLink kind="capture" name={collection.capture} />
        </Fact>
        <Fact name="Next offset">{count(next)}</Fact>
      </Facts>
      <DataTable
        label="Readers"
        columns={columns}
        rows={collection.readers}
        rowKey={({ materialization, table }) => `${materialization} ${table}`}
        empty={
          <EmptyState title="No readers">
            No materialization takes this collection to a destination yet.
          </EmptyState>
        }
      />
    </Stack>
  );
}

function columnsOf(next: number): readonly DataColumn<Reader>[] {
  return [
    {
      id: 'name',
      header: 'Materialization',
      cell: ({ materialization }) => <NameLink kind="materialization" name={materialization} />,
    },
    { id: 'table', header: 'Table', cell: ({ table }) => <span className="mono">{table}</span> },
    { id: 'phase', header: 'Phase', cell: ({ phase }) => <StateMark state={phase} /> },
    {
      id: 'behind',
      header: 'Entries behind',
      align: 'right',
      cell: ({ offset }) => count(Math.max(0, next - offset)),
    },
    { id: 'lag', header: 'Lag', align: 'right', cell: ({ lagMilliseconds }) => lag(lagMilliseconds) },
  ];
}
