import type { CaptureBindingStatus, RuntimeStatus } from '@brimful/model';
import type { DataColumn } from '../parts/data-table.tsx';
import { DataTable } from '../parts/data-table.tsx';
import { EmptyState } from '../parts/empty-state.tsx';
import { NameLink } from '../parts/name-link.tsx';
import { Page } from '../parts/page.tsx';
import { StateMark } from '../parts/state-mark.tsx';
import { WithStatus } from '../parts/with-status.tsx';
import { bytes, count } from '../words/quantity.ts';

interface Row {
  readonly capture: string;
  readonly binding: CaptureBindingStatus;
}

const COLUMNS: readonly DataColumn<Row>[] = [
  {
    id: 'collection',
    header: 'Collection',
    order: ({ binding }) => binding.collection,
    cell: ({ binding }) => <NameLink kind="collection" name={binding.collection} />,
  },
  {
    id: 'phase',
    header: 'Phase',
    order: ({ binding }) => binding.phase,
    cell: ({ binding }) => <StateMark state={binding.phase} />,
  },
  {
    id: 'source',
    header: 'Source',
    order: ({ capture }) => capture,
    cell: ({ capture }) => <NameLink kind="capture" name={capture} />,
  },
  {
    id: 'entries',
    header: 'Rows read',
    align: 'right',
    order: ({ binding }) => binding.rowsRead,
    cell: ({ binding }) => count(binding.rowsRead),
  },
  {
    id: 'changes',
    header: 'Changes',
    align: 'right',
    order: ({ binding }) => binding.changes,
    cell: ({ binding }) => count(binding.changes),
  },
  {
    id: 'bytes',
    header: 'Journal',
    align: 'right',
    order: ({ binding }) => binding.journal.bytes,
    cell: ({ binding }) => bytes(binding.journal.bytes),
  },
];

function rowsOf({ captures }: RuntimeStatus): readonly Row[] {
  return captures.flatMap(({ name, bindings }) => bindings.map((binding) => ({ capture: name, binding })));
}

export function CollectionsPage() {
  return (
    <WithStatus>
      {(status) => (
        <Page
          title="Collections"
          state={count(rowsOf(status).length)}
          sentence="The durable journals between sources and destinations."
        >
          <DataTable
            label="Collections"
            columns={COLUMNS}
            rows={rowsOf(status)}
            rowKey={({ binding }) => binding.collection}
            empty={
              <EmptyState title="No collections yet">
                Every table that a source captures becomes a collection.
              </EmptyState>
            }
          />
        </Page>
      )}
    </WithStatus>
  );
}
