import type { RunSummary } from '@brimful/api';
import { Button, Group, Select } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import type { DataColumn } from '../parts/data-table.tsx';
import { DataTable } from '../parts/data-table.tsx';
import { EmptyState } from '../parts/empty-state.tsx';
import { MomentText } from '../parts/moment-text.tsx';
import { Page } from '../parts/page.tsx';
import { ProblemNote } from '../parts/problem-note.tsx';
import { ProgressBar } from '../parts/progress-bar.tsx';
import { StateMark } from '../parts/state-mark.tsx';
import { useClient, useLive } from '../server/server-context.tsx';
import { problemOf } from '../server/server-problem.ts';
import { count, duration } from '../words/quantity.ts';
import { isActive, MODE_WORDS } from './run-words.ts';

const COLUMNS: readonly DataColumn<RunSummary>[] = [
  {
    id: 'id',
    header: 'Run',
    cell: ({ id, mode, request }) => (
      <>
        <Link to="/runs/$id" params={{ id }} className="plain">
          {MODE_WORDS[mode]} of {request.task}
        </Link>
        <div className="quiet" style={{ fontSize: 'var(--mantine-font-size-xs)' }}>
          {id} · {request.reason}
        </div>
      </>
    ),
  },
  {
    id: 'state',
    header: 'State',
    order: ({ state }) => state,
    cell: ({ state }) => <StateMark state={state} />,
  },
  {
    id: 'done',
    header: 'Progress',
    order: ({ done }) => done,
    cell: ({ id, done, state }) => (
      <ProgressBar
        done={done}
        label={`Progress of ${id}`}
        tone={state === 'failed' || state === 'cancelled' ? 'bad' : 'busy'}
      />
    ),
  },
  {
    id: 'tables',
    header: 'Tables',
    align: 'right',
    order: ({ tables }) => tables.total,
    cell: ({ tables }) => `${tables.done} / ${tables.total}`,
  },
  {
    id: 'rows',
    header: 'Rows',
    align: 'right',
    order: ({ rowsRead }) => rowsRead,
    cell: ({ rowsRead }) => count(rowsRead),
  },
  { id: 'by', header: 'By', order: ({ request }) => request.author, cell: ({ request }) => request.author },
  {
    id: 'created',
    header: 'Created',
    order: ({ createdAt }) => createdAt,
    cell: ({ createdAt }) => <MomentText at={createdAt} />,
  },
  {
    id: 'took',
    header: 'Took',
    align: 'right',
    cell: ({ startedAt, endedAt }) =>
      duration(startedAt === null || endedAt === null ? null : (endedAt - startedAt) / 1000),
  },
];

const FILTERS: Readonly<Record<string, (run: RunSummary) => boolean>> = {
  'All runs': () => true,
  Active: ({ state }) => isActive(state),
  Failed: ({ state }) => state === 'failed',
  'Can be undone': ({ state, undoUntil }) => state === 'swapped' && undoUntil !== null,
  Ended: ({ state }) => !isActive(state) && state !== 'failed',
};

export function RunsPage() {
  const [filter, setFilter] = useState('All runs');
  const client = useClient();
  const live = useLive().runs;
  const asked = useQuery({ queryKey: ['runs'], queryFn: () => client.runs() });
  // What the stream says is newer than what was asked for.
  const runs = [
    ...new Map([...(asked.data ?? []).map((run) => [run.id, run] as const), ...live]).values(),
  ].toSorted((left, right) => right.createdAt - left.createdAt);
  const active = runs.filter(({ state }) => isActive(state)).length;
  return (
    <Page
      title="Runs"
      state={active === 0 ? 'none active' : `${active} active`}
      sentence="Everything that was read again, who asked for it, and what came of it."
      actions={
        <Button component={Link} to="/backfill">
          Backfill…
        </Button>
      }
    >
      <Group>
        <Select
          aria-label="Which runs"
          allowDeselect={false}
          data={Object.keys(FILTERS)}
          value={filter}
          onChange={(value) => setFilter(value ?? 'All runs')}
        />
      </Group>
      {asked.error !== null && runs.length === 0 && <ProblemNote problem={problemOf(asked.error)} />}
      <DataTable
        label="Runs"
        columns={COLUMNS}
        rows={runs.filter(FILTERS[filter] ?? (() => true))}
        rowKey={({ id }) => id}
        empty={
          <EmptyState title="No runs here">
            A backfill begins at a source, with Edit, or with the button above.
          </EmptyState>
        }
      />
    </Page>
  );
}
