import type { BindingPlan } from '@brimful/model';
import { Code, Text } from '@mantine/core';
import type { DataColumn } from '../parts/data-table.tsx';
import { DataTable } from '../parts/data-table.tsx';
import { Estimated } from '../parts/estimated.tsx';
import { NameLink } from '../parts/name-link.tsx';
import { bytes, count } from '../words/quantity.ts';

const COLUMNS: readonly DataColumn<BindingPlan>[] = [
  {
    id: 'collection',
    header: 'Collection',
    order: ({ collection }) => collection,
    cell: ({ collection, generation }) => (
      <>
        <NameLink kind="collection" name={collection} />{' '}
        <span className="quiet">
          {generation.from === generation.to
            ? `generation ${generation.from}, in place`
            : `generation ${generation.from} → ${generation.to}`}
        </span>
      </>
    ),
  },
  {
    id: 'rows',
    header: 'Rows',
    align: 'right',
    order: ({ rows }) => rows.value,
    cell: ({ rows }) => <Estimated text={count(rows.value)} quality={rows.quality} />,
  },
  {
    id: 'bytes',
    header: 'Bytes',
    align: 'right',
    order: (plan) => plan.bytes.value,
    cell: (plan) => <Estimated text={bytes(plan.bytes.value)} quality={plan.bytes.quality} />,
  },
  { id: 'read', header: 'How it is read', cell: ({ readShape }) => readShape },
  { id: 'tables', header: 'Destination tables', cell: (plan) => <Targets plan={plan} /> },
  { id: 'rowsSeen', header: 'First and last row', cell: (plan) => <FirstAndLast plan={plan} /> },
];

/** What the plan does to each collection and to the tables made of it. */
export function PlanTables({ bindings }: { readonly bindings: readonly BindingPlan[] }) {
  return (
    <DataTable
      label="Tables in the plan"
      columns={COLUMNS}
      rows={bindings}
      rowKey={({ collection }) => collection}
      maxHeight={420}
    />
  );
}

function Targets({ plan }: { readonly plan: BindingPlan }) {
  if (plan.tables.length === 0) return <span className="quiet">none</span>;
  return (
    <>
      {plan.tables.map(({ materialization, table, rows, dependents }) => (
        <div key={`${materialization} ${table}`}>
          {materialization}: {table}{' '}
          <span className="quiet">{rows === null ? '' : `${count(rows)} rows now`}</span>
          {dependents.map(({ what, carried, note }) => (
            <Text key={what} size="xs">
              {carried ? 'keeps' : 'loses'} {what} {note}
            </Text>
          ))}
        </div>
      ))}
    </>
  );
}

function FirstAndLast({ plan: { firstRow, lastRow, collection } }: { readonly plan: BindingPlan }) {
  if (firstRow === null && lastRow === null) return <span className="quiet">not looked up</span>;
  return (
    <details>
      <summary>
        Show<span className="for-screen-readers"> the first and last row of {collection}</span>
      </summary>
      <Code block>{JSON.stringify({ first: firstRow, last: lastRow }, null, 1)}</Code>
    </details>
  );
}
