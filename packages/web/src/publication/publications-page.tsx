import type { PublicationSummary } from '@brimful/model';
import { Skeleton } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import type { DataColumn } from '../parts/data-table.tsx';
import { DataTable } from '../parts/data-table.tsx';
import { EmptyState } from '../parts/empty-state.tsx';
import { MomentText } from '../parts/moment-text.tsx';
import { Page } from '../parts/page.tsx';
import { ProblemNote } from '../parts/problem-note.tsx';
import { StateMark } from '../parts/state-mark.tsx';
import { useClient } from '../server/server-context.tsx';
import { problemOf } from '../server/server-problem.ts';
import { count } from '../words/quantity.ts';
import { PUBLICATION_MARKS, PUBLICATION_WORDS } from './publication-words.ts';

const REFRESH_MILLISECONDS = 10_000;

const COLUMNS: readonly DataColumn<PublicationSummary>[] = [
  {
    id: 'number',
    header: 'Number',
    width: '84px',
    order: ({ number }) => number,
    cell: ({ number }) => (
      <Link to="/publications/$number" params={{ number: String(number) }} className="plain">
        {number}
      </Link>
    ),
  },
  {
    id: 'why',
    header: 'Why',
    order: ({ why }) => why,
    cell: ({ why, headline, changeCount }) => (
      <>
        <div>{why === '' ? headline : why}</div>
        <div className="quiet">
          {why === '' ? '' : `${headline} `}
          {changeCount > 1 && `${count(changeCount)} changes.`}
        </div>
      </>
    ),
  },
  { id: 'who', header: 'Who', order: ({ who }) => who, cell: ({ who, origin }) => `${who}, ${origin}` },
  {
    id: 'at',
    header: 'When',
    order: ({ at }) => at,
    cell: ({ at }) => <MomentText at={at} />,
  },
  {
    id: 'state',
    header: 'Result',
    order: ({ state }) => state,
    cell: ({ state }) => <StateMark state={PUBLICATION_MARKS[state]} label={PUBLICATION_WORDS[state]} />,
  },
];

/** Every change of the catalog, the newest first. */
export function PublicationsPage() {
  const client = useClient();
  const publications = useQuery({
    queryKey: ['publications'],
    queryFn: () => client.publications(),
    refetchInterval: REFRESH_MILLISECONDS,
  });
  const { data, error } = publications;
  return (
    <Page
      title="Publications"
      state={data === undefined ? 'Loading' : count(data.length)}
      sentence="What was changed in the catalog, by whom and why. Each can be taken back."
    >
      {error !== null && <ProblemNote problem={problemOf(error)} />}
      {data === undefined && error === null && <Skeleton height={280} role="status" aria-label="Loading" />}
      {data !== undefined && (
        <DataTable
          label="Publications"
          columns={COLUMNS}
          rows={data}
          rowKey={({ number }) => String(number)}
          empty={
            <EmptyState title="Nothing was published yet">
              Every change of sources and destinations is written down here, from these pages, from the
              command line and from the file.
            </EmptyState>
          }
        />
      )}
    </Page>
  );
}
