import type { CaptureBindingStatus } from '@brimful/model';
import { ActionIcon, Menu, TextInput } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import { useMemo, useState } from 'react';
import type { DataColumn } from '../parts/data-table.tsx';
import { DataTable } from '../parts/data-table.tsx';
import { EmptyState } from '../parts/empty-state.tsx';
import { Estimated } from '../parts/estimated.tsx';
import { NameLink } from '../parts/name-link.tsx';
import { ProblemNote } from '../parts/problem-note.tsx';
import { ProgressBar } from '../parts/progress-bar.tsx';
import { StateMark } from '../parts/state-mark.tsx';
import { partRead } from '../sources/capture-words.ts';
import { bytes, count, duration, rowRate } from '../words/quantity.ts';

interface CaptureTablesProps {
  readonly capture: string;
  readonly bindings: readonly CaptureBindingStatus[];
}

export function CaptureTables({ capture, bindings }: CaptureTablesProps) {
  const [wanted, setWanted] = useState('');
  const columns = useMemo(() => columnsOf(capture), [capture]);
  const found = bindings.filter(({ resource, collection }) =>
    `${resource} ${collection}`.includes(wanted.trim()),
  );
  return (
    <>
      {bindings.length > 8 && (
        <TextInput
          aria-label="Find a table"
          placeholder={`Find one of ${bindings.length} tables`}
          value={wanted}
          onChange={(event) => setWanted(event.currentTarget.value)}
          maw={320}
        />
      )}
      <Troubled bindings={bindings} />
      <DataTable
        label={`Tables of ${capture}`}
        columns={columns}
        rows={found}
        rowKey={({ resource }) => resource}
        empty={
          <EmptyState title="No tables">
            {wanted === '' ? 'Nothing is captured from this source yet.' : 'No table has this in its name.'}
          </EmptyState>
        }
      />
    </>
  );
}

const SHOWN = 5;

/** Tables that wait for somebody, with what to do, where it is not missed among a thousand. */
function Troubled({ bindings }: Pick<CaptureTablesProps, 'bindings'>) {
  const troubled = bindings.flatMap(({ resource, problem }) =>
    problem === undefined ? [] : [{ resource, problem }],
  );
  return (
    <>
      {troubled.slice(0, SHOWN).map(({ resource, problem }) => (
        <ProblemNote key={resource} problem={problem} title={resource} />
      ))}
      {troubled.length > SHOWN && <p>And {troubled.length - SHOWN} more tables: sort by phase.</p>}
    </>
  );
}

function columnsOf(capture: string): readonly DataColumn<CaptureBindingStatus>[] {
  return [
    {
      id: 'resource',
      header: 'Table',
      order: ({ resource }) => resource,
      cell: ({ resource, collection }) => <NameLink kind="collection" name={collection} label={resource} />,
    },
    {
      id: 'phase',
      header: 'Phase',
      order: ({ phase }) => phase,
      cell: (binding) => <StateMark state={binding.phase} />,
    },
    { id: 'progress', header: 'First read', cell: (binding) => <FirstRead binding={binding} /> },
    {
      id: 'rows',
      header: 'Rows read of estimated',
      align: 'right',
      order: ({ rowsRead }) => rowsRead,
      cell: ({ rowsRead, rowsEstimated, estimateQuality }) =>
        estimateQuality === 'exact' && rowsRead === rowsEstimated ? (
          count(rowsRead)
        ) : (
          <>
            {count(rowsRead)} <span className="quiet">of</span>{' '}
            <Estimated text={count(rowsEstimated)} quality={estimateQuality} />
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
      id: 'changes',
      header: 'Changes',
      align: 'right',
      order: ({ changes }) => changes,
      cell: ({ changes }) => count(changes),
    },
    {
      id: 'journal',
      header: 'Journal',
      align: 'right',
      order: ({ journal }) => journal.bytes,
      cell: ({ journal }) => bytes(journal.bytes),
    },
    {
      id: 'verbs',
      header: <span className="for-screen-readers">What can be done</span>,
      align: 'right',
      cell: (binding) => <TableVerbs capture={capture} binding={binding} />,
    },
  ];
}

function FirstRead({ binding }: { readonly binding: CaptureBindingStatus }) {
  return (
    <>
      <Progress binding={binding} />
      <Cursor binding={binding} />
    </>
  );
}

function Progress({ binding }: { readonly binding: CaptureBindingStatus }) {
  const part = partRead(binding);
  if (part === null) return <span className="quiet">unknown</span>;
  const tone = binding.phase === 'failed' || binding.phase === 'gap' ? 'bad' : 'busy';
  return <ProgressBar done={part} tone={tone} label={`First read of ${binding.resource}`} />;
}

/** Where reading goes on, and how often it began anew. */
function Cursor({ binding: { cursor, retries = 0, problem } }: { readonly binding: CaptureBindingStatus }) {
  const words = [
    ...(cursor === undefined ? [] : [cursor]),
    ...(retries === 0 ? [] : [retries === 1 ? 'began anew once' : `began anew ${retries} times`]),
    ...(problem === undefined ? [] : [problem.message]),
  ];
  if (words.length === 0) return null;
  return (
    <div className="quiet" style={{ fontSize: 'var(--mantine-font-size-xs)' }}>
      {words.join(' · ')}
    </div>
  );
}

function TableVerbs({
  capture,
  binding,
}: {
  readonly capture: string;
  readonly binding: CaptureBindingStatus;
}) {
  const { resource, collection } = binding;
  return (
    <Menu position="bottom-end">
      <Menu.Target>
        <ActionIcon variant="subtle" color="gray" aria-label={`What can be done with ${resource}`}>
          ⋯
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Item
          component={Link}
          to={`/backfill?task=${encodeURIComponent(capture)}&binding=${encodeURIComponent(collection)}&mode=reset`}
        >
          Dataflow reset…
        </Menu.Item>
        <Menu.Item
          component={Link}
          to={`/backfill?task=${encodeURIComponent(capture)}&binding=${encodeURIComponent(collection)}&mode=incremental`}
        >
          Incremental backfill…
        </Menu.Item>
        <Menu.Item component={Link} to={`/collections/${encodeURIComponent(collection)}`}>
          Look at the data
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}
