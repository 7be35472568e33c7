import type { RunSummary, Verification } from '@brimful/api';
import type { MaterializationBindingStatus, MaterializationStatus, VerificationReport } from '@brimful/model';
import { Link } from '@tanstack/react-router';
import { useMemo } from 'react';
import type { DataColumn } from '../parts/data-table.tsx';
import { DataTable } from '../parts/data-table.tsx';
import { EmptyState } from '../parts/empty-state.tsx';
import { MomentText } from '../parts/moment-text.tsx';
import { NameLink } from '../parts/name-link.tsx';
import { StateMark } from '../parts/state-mark.tsx';
import { isActive } from '../run/run-words.ts';
import { useLive } from '../server/server-context.tsx';
import { bytes, count, lag, percent } from '../words/quantity.ts';
import classes from './destination-tables.module.css';

interface Row {
  readonly binding: MaterializationBindingStatus;
  readonly run: RunSummary | undefined;
  readonly report: VerificationReport | undefined;
  readonly isVerifying: boolean;
}

const COLUMNS: readonly DataColumn<Row>[] = [
  {
    id: 'table',
    header: 'Table',
    order: ({ binding }) => binding.table,
    cell: ({ binding }) => <span className="mono">{binding.table}</span>,
  },
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
    cell: ({ binding }) => (
      <StateMark
        state={binding.phase}
        {...(binding.problem === undefined ? {} : { label: binding.problem.message })}
      />
    ),
  },
  { id: 'generation', header: 'Generation', cell: ({ binding }) => <Generations binding={binding} /> },
  { id: 'swap', header: 'Swap', cell: ({ run }) => <Swap run={run} /> },
  {
    id: 'rows',
    header: 'Rows written',
    align: 'right',
    order: ({ binding }) => binding.rowsWritten,
    cell: ({ binding }) => count(binding.rowsWritten),
  },
  {
    id: 'bytes',
    header: 'Bytes',
    align: 'right',
    order: ({ binding }) => binding.bytesWritten,
    cell: ({ binding }) => bytes(binding.bytesWritten),
  },
  {
    id: 'lag',
    header: 'Lag',
    align: 'right',
    order: ({ binding }) => binding.lagMilliseconds ?? -1,
    cell: ({ binding }) => <Lag binding={binding} />,
  },
  { id: 'verified', header: 'Verified', cell: (row) => <Verified row={row} /> },
];

export function DestinationTables({ materialization }: { readonly materialization: MaterializationStatus }) {
  const { runs, verifications } = useLive();
  const rows = useMemo(
    () => rowsOf(materialization, [...runs.values()], [...verifications.values()]),
    [materialization, runs, verifications],
  );
  return (
    <DataTable
      label={`Tables of ${materialization.name}`}
      columns={COLUMNS}
      rows={rows}
      rowKey={({ binding }) => binding.table}
      empty={<EmptyState title="No tables">No collection is materialized here yet.</EmptyState>}
    />
  );
}

function rowsOf(
  { name, bindings }: MaterializationStatus,
  runs: readonly RunSummary[],
  verifications: readonly Verification[],
): readonly Row[] {
  const reports = verifications
    .flatMap(({ reports }) => reports)
    .toSorted((left, right) => right.at - left.at);
  return bindings.map((binding) => ({
    binding,
    run: runs.find(
      ({ state, request, undoUntil }) =>
        (isActive(state) || (state === 'swapped' && undoUntil !== null)) &&
        (request.mode === 'reset' || (request.mode === 'materialization' && request.task === name)) &&
        (request.bindings === null || request.bindings.includes(binding.collection)),
    ),
    report: reports.find(({ subject }) => subject === `${name}: ${binding.table}`),
    isVerifying: verifications.some(
      ({ state, target }) => state === 'running' && (target === name || target === binding.collection),
    ),
  }));
}

/** What readers see, and what stands beside it: built, or kept to go back to. */
function Generations({ binding: { generations } }: { readonly binding: MaterializationBindingStatus }) {
  if (generations === undefined) return <span className="quiet">not open</span>;
  const { current, beside } = generations;
  return (
    <>
      {current}
      {beside.map(({ generation, done, phase }) => (
        <div key={generation} className={classes.beside}>
          {generation > current ? 'next' : 'kept'} {generation}: {phase}
          {done === undefined || done >= 1 ? '' : ` ${percent(done)}`}
        </div>
      ))}
    </>
  );
}

function Lag({ binding: { lagMilliseconds, lagBytes } }: { readonly binding: MaterializationBindingStatus }) {
  return (
    <>
      {lag(lagMilliseconds)}
      {lagBytes !== undefined && lagBytes > 0 && (
        <div className={classes.beside}>about {bytes(lagBytes)}</div>
      )}
    </>
  );
}

function Swap({ run }: { readonly run: RunSummary | undefined }) {
  if (run === undefined) return <span className="quiet">none</span>;
  return (
    <Link to="/runs/$id" params={{ id: run.id }} className={`plain ${classes.swap}`}>
      {run.state === 'swapped' ? 'swapped in, can be undone' : `next generation: ${run.state}`}
    </Link>
  );
}

function Verified({ row: { report, isVerifying, binding } }: { readonly row: Row }) {
  if (isVerifying) return <StateMark state="verifying" />;
  if (report === undefined) return <span className="quiet">not verified</span>;
  const isStale = binding.rowsWritten > 0 && report.level === 'counts';
  return (
    <>
      <StateMark state={report.verdict} label={isStale ? `${report.verdict}, counts only` : report.verdict} />{' '}
      <span className="quiet">
        <MomentText at={report.at} />
      </span>
    </>
  );
}
