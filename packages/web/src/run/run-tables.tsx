import type { Run, RunBinding } from '@brimful/model';
import { Button, Group } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useMemo } from 'react';
import type { DataColumn } from '../parts/data-table.tsx';
import { DataTable } from '../parts/data-table.tsx';
import { NameLink } from '../parts/name-link.tsx';
import { ProgressBar } from '../parts/progress-bar.tsx';
import { StateMark } from '../parts/state-mark.tsx';
import { useClient } from '../server/server-context.tsx';
import { count, duration, rowRate } from '../words/quantity.ts';
import { isOver } from './run-words.ts';

/** Every table's own way through the run; one that fails stops no other. */
export function RunTables({ run }: { readonly run: Run }) {
  const isEnded = isOver(run.state);
  const columns = useMemo(() => columnsOf(run.id, isEnded), [run.id, isEnded]);
  return (
    <DataTable
      label="Tables of the run"
      columns={columns}
      rows={run.bindings}
      rowKey={({ collection }) => collection}
      maxHeight={480}
    />
  );
}

function columnsOf(runId: string, isEnded: boolean): readonly DataColumn<RunBinding>[] {
  return [
    {
      id: 'collection',
      header: 'Collection',
      order: ({ collection }) => collection,
      cell: ({ collection }) => <NameLink kind="collection" name={collection} />,
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
      width: '26%',
      order: ({ done }) => done,
      cell: (binding) => (
        <ProgressBar
          wide
          done={binding.done}
          tone={toneOf(binding)}
          label={`Progress of ${binding.collection}`}
        />
      ),
    },
    {
      id: 'rows',
      header: 'Rows',
      align: 'right',
      order: ({ rowsRead }) => rowsRead,
      cell: ({ rowsRead, rowsEstimated }) => (
        <>
          {count(rowsRead)} <span className="quiet">of {count(rowsEstimated)}</span>
        </>
      ),
    },
    {
      id: 'rate',
      header: 'Rate',
      align: 'right',
      order: ({ rowsPerSecond }) => rowsPerSecond,
      cell: ({ rowsPerSecond }) => (rowsPerSecond === 0 ? '–' : rowRate(rowsPerSecond)),
    },
    {
      id: 'eta',
      header: 'Time left',
      align: 'right',
      order: ({ etaSeconds }) => etaSeconds ?? -1,
      cell: ({ etaSeconds }) => duration(etaSeconds),
    },
    {
      id: 'verbs',
      header: <span className="for-screen-readers">What can be done</span>,
      align: 'right',
      cell: ({ collection, state }) =>
        state === 'failed' && !isEnded ? <FailedVerbs runId={runId} collection={collection} /> : null,
    },
  ];
}

function toneOf({ state }: RunBinding): 'busy' | 'wait' | 'bad' {
  if (state === 'failed' || state === 'cancelled') return 'bad';
  return state === 'paused' || state === 'skipped' ? 'wait' : 'busy';
}

function FailedVerbs({ runId, collection }: { readonly runId: string; readonly collection: string }) {
  const client = useClient();
  const queries = useQueryClient();
  const ordering = useMutation({
    mutationFn: (verb: 'retry' | 'skip') => client.order(runId, { verb, collection }),
    onSuccess: (run) => queries.setQueryData(['run', runId], run),
  });
  return (
    <Group gap={4} justify="flex-end" wrap="nowrap">
      <Button
        size="compact-xs"
        variant="default"
        onClick={() => ordering.mutate('retry')}
        loading={ordering.isPending}
      >
        Retry
      </Button>
      <Button
        size="compact-xs"
        variant="default"
        onClick={() => ordering.mutate('skip')}
        loading={ordering.isPending}
      >
        Skip
      </Button>
    </Group>
  );
}
