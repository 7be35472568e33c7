import { Code } from '@mantine/core';
import type { RunSummary } from '@brimful/api';
import { Link } from '@tanstack/react-router';
import type { DataColumn } from '../parts/data-table.tsx';
import { DataTable } from '../parts/data-table.tsx';
import { EmptyState } from '../parts/empty-state.tsx';
import { Section } from '../parts/section.tsx';
import { StateMark } from '../parts/state-mark.tsx';
import { isActive } from '../run/run-words.ts';
import { useLive } from '../server/server-context.tsx';
import { duration } from '../words/quantity.ts';

const COLUMNS: readonly DataColumn<RunSummary>[] = [
  {
    id: 'run',
    header: 'Run',
    cell: ({ id, request }) => (
      <>
        <Link to="/runs/$id" params={{ id }} className="plain">
          {id}
        </Link>{' '}
        <span className="quiet">of {request.task}</span>
      </>
    ),
  },
  { id: 'state', header: 'State', cell: ({ state }) => <StateMark state={state} /> },
  {
    id: 'windows',
    header: 'Reads only',
    cell: ({ request }) =>
      request.windows
        .map(({ cron, minutes, zone }) => `from ${cron} for ${duration(minutes * 60)}, ${zone}`)
        .join('; '),
  },
];

/** Windows belong to runs: each is given its own when it is planned. */
export function WindowSection() {
  const runs = [...useLive().runs.values()].filter(
    (run) => isActive(run.state) && run.request.windows.length > 0,
  );
  return (
    <Section
      title="Maintenance windows"
      note="Each run is given its own: in the options of a backfill. The stream is never held."
    >
      <DataTable
        label="Runs with windows"
        columns={COLUMNS}
        rows={runs}
        rowKey={({ id }) => id}
        empty={
          <EmptyState title="No run waits for a window" actions={<Code>0 22 * * 1-5 8h Europe/Berlin</Code>}>
            A run with windows reads only while one of them is open.
          </EmptyState>
        }
      />
    </Section>
  );
}
