import type { Run, VerificationReport } from '@brimful/model';
import { Code } from '@mantine/core';
import type { DataColumn } from '../parts/data-table.tsx';
import { DataTable } from '../parts/data-table.tsx';
import { MomentText } from '../parts/moment-text.tsx';
import { Section } from '../parts/section.tsx';
import { StateMark } from '../parts/state-mark.tsx';
import { count } from '../words/quantity.ts';

const COLUMNS: readonly DataColumn<VerificationReport>[] = [
  {
    id: 'subject',
    header: 'Compared',
    order: ({ subject }) => subject,
    cell: ({ subject, sides }) => (
      <>
        {subject} <span className="quiet">{sides}</span>
      </>
    ),
  },
  {
    id: 'verdict',
    header: 'Verdict',
    order: ({ verdict }) => verdict,
    cell: ({ verdict }) => <StateMark state={verdict} />,
  },
  { id: 'level', header: 'How', cell: ({ level }) => (level === 'full' ? 'every row' : 'counts') },
  {
    id: 'rows',
    header: 'Rows',
    align: 'right',
    order: ({ rows }) => rows.left,
    cell: ({ rows }) =>
      rows.left === rows.right ? count(rows.left) : `${count(rows.left)} and ${count(rows.right)}`,
  },
  {
    id: 'differing',
    header: 'Rows that differ',
    align: 'right',
    cell: (report) => <Differences report={report} />,
  },
  { id: 'at', header: 'At', order: ({ at }) => at, cell: ({ at }) => <MomentText at={at} /> },
];

/** Every comparison that the run has made. Something left out is never a pass. */
export function VerificationReports({ run }: { readonly run: Run }) {
  const reports = run.bindings.flatMap(({ verifications }) => verifications);
  if (reports.length === 0) return null;
  return (
    <Section title="Verification" note="Source with collection, collection with table.">
      <DataTable
        label="Verification reports"
        columns={COLUMNS}
        rows={reports}
        rowKey={({ at, subject, sides }) => `${at} ${sides} ${subject}`}
        maxHeight={380}
      />
    </Section>
  );
}

function Differences({ report }: { readonly report: VerificationReport }) {
  const { onlyLeft, onlyRight, different, sampleKeys, byColumn, skipped } = report;
  const total = onlyLeft + onlyRight + different;
  if (total === 0 && skipped.length === 0) return <>0</>;
  return (
    <details>
      <summary>{total === 0 ? `0, ${skipped.length} left out` : count(total)}</summary>
      <Code block ta="left">
        {JSON.stringify({ onlyLeft, onlyRight, different, byColumn, sampleKeys, skipped }, null, 1)}
      </Code>
    </details>
  );
}
