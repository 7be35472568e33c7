import type { MaterializationStatus } from '@brimful/model';
import { Button } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import type { DataColumn } from '../parts/data-table.tsx';
import { DataTable } from '../parts/data-table.tsx';
import { EmptyState } from '../parts/empty-state.tsx';
import { NameLink } from '../parts/name-link.tsx';
import { Page } from '../parts/page.tsx';
import { StateMark } from '../parts/state-mark.tsx';
import { WithStatus } from '../parts/with-status.tsx';
import { count, lag, rowRate } from '../words/quantity.ts';

const COLUMNS: readonly DataColumn<MaterializationStatus>[] = [
  {
    id: 'name',
    header: 'Destination',
    order: ({ name }) => name,
    cell: ({ name, connector }) => (
      <>
        <NameLink kind="materialization" name={name} /> <span className="quiet">{connector}</span>
      </>
    ),
  },
  {
    id: 'state',
    header: 'Status',
    order: ({ state }) => state,
    cell: ({ state, sentence, waiting }) => (
      <StateMark state={state} label={waiting ?? (sentence === '' ? state : sentence)} />
    ),
  },
  {
    id: 'tables',
    header: 'Tables live',
    align: 'right',
    order: ({ bindings }) => bindings.length,
    cell: ({ bindings }) =>
      `${count(bindings.filter(({ phase }) => phase === 'live').length)} / ${count(bindings.length)}`,
  },
  {
    id: 'rate',
    header: 'Rate',
    align: 'right',
    order: ({ rowsPerSecond }) => rowsPerSecond,
    cell: ({ rowsPerSecond }) => rowRate(rowsPerSecond),
  },
  {
    id: 'lag',
    header: 'Lag',
    align: 'right',
    order: ({ lagMilliseconds }) => lagMilliseconds ?? -1,
    cell: ({ lagMilliseconds }) => lag(lagMilliseconds),
  },
  {
    id: 'edit',
    header: <span className="for-screen-readers">Change</span>,
    align: 'right',
    cell: ({ name }) => (
      <Button
        component={Link}
        to="/destinations/$name/edit"
        params={{ name } as never}
        size="compact-sm"
        variant="default"
        aria-label={`Edit ${name}`}
      >
        Edit
      </Button>
    ),
  },
];

export function MaterializationsPage() {
  return (
    <WithStatus>
      {({ materializations }) => (
        <Page
          title="Destinations"
          state={count(materializations.length)}
          sentence="Tables that are kept equal to collections."
          actions={
            <Button component={Link} to="/add/destination">
              New destination
            </Button>
          }
        >
          <DataTable
            label="Destinations"
            columns={COLUMNS}
            rows={materializations}
            rowKey={({ name }) => name}
            empty={
              <EmptyState
                title="No destinations yet"
                actions={
                  <Button component={Link} to="/add/destination" mt="sm">
                    Add a destination
                  </Button>
                }
              >
                A destination turns collections into tables, and keeps them current. It can be added at any
                time: what was captured so far is there for it.
              </EmptyState>
            }
          />
        </Page>
      )}
    </WithStatus>
  );
}
