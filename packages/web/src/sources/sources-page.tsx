import type { CaptureStatus } from '@brimful/model';
import { Button } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import type { DataColumn } from '../parts/data-table.tsx';
import { DataTable } from '../parts/data-table.tsx';
import { FirstSteps } from '../parts/first-steps.tsx';
import { NameLink } from '../parts/name-link.tsx';
import { Page } from '../parts/page.tsx';
import { StateMark } from '../parts/state-mark.tsx';
import { WithStatus } from '../parts/with-status.tsx';
import { count, lag, rowRate } from '../words/quantity.ts';
import { rowsPerSecondOf, tablesDone, tablesFailed } from './capture-words.ts';

const COLUMNS: readonly DataColumn<CaptureStatus>[] = [
  {
    id: 'name',
    header: 'Source',
    order: ({ name }) => name,
    cell: ({ name, connector }) => (
      <>
        <NameLink kind="capture" name={name} /> <span className="quiet">{connector}</span>
      </>
    ),
  },
  {
    id: 'state',
    header: 'Status',
    order: ({ state }) => state,
    cell: ({ state, sentence }) => <StateMark state={state} label={sentence === '' ? state : sentence} />,
  },
  {
    id: 'tables',
    header: 'Tables',
    align: 'right',
    order: ({ bindings }) => bindings.length,
    cell: (capture) => (
      <>
        {count(tablesDone(capture))} / {count(capture.bindings.length)}
        {tablesFailed(capture) > 0 && (
          <div>
            <StateMark state="failed" label={`${tablesFailed(capture)} failed`} />
          </div>
        )}
      </>
    ),
  },
  {
    id: 'rate',
    header: 'Rate',
    align: 'right',
    order: rowsPerSecondOf,
    cell: (capture) => rowRate(rowsPerSecondOf(capture)),
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
        to="/sources/$name/edit"
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

export function SourcesPage() {
  return (
    <WithStatus>
      {({ captures }) => {
        const failed = captures.filter(({ state }) => state === 'failed').length;
        return (
          <Page
            title="Sources"
            state={failed > 0 ? `${failed} failed` : `${captures.length}`}
            sentence="Everything that is captured, and how far each table is."
            actions={
              <Button component={Link} to="/add/source">
                New source
              </Button>
            }
          >
            <DataTable
              label="Sources"
              columns={COLUMNS}
              rows={captures}
              rowKey={({ name }) => name}
              empty={<FirstSteps title="No sources yet" />}
            />
          </Page>
        );
      }}
    </WithStatus>
  );
}
