import type { Preview, PreviewRow } from '@brimful/api';
import { Button, Code, Group, SegmentedControl, Skeleton, Switch, Text, TextInput } from '@mantine/core';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { useMemo, useState } from 'react';
import type { DataColumn } from '../parts/data-table.tsx';
import { DataTable } from '../parts/data-table.tsx';
import { EmptyState } from '../parts/empty-state.tsx';
import { ProblemNote } from '../parts/problem-note.tsx';
import { useClient } from '../server/server-context.tsx';
import { problemOf } from '../server/server-problem.ts';
import { count } from '../words/quantity.ts';

const PAGE_ROWS = 100;
const REFRESH_MILLISECONDS = 2000;

/** The newest rows and changes, as a table or as documents. */
export function CollectionPreview({ name }: { readonly name: string }) {
  const [form, setForm] = useState('Table');
  const [wanted, setWanted] = useState('');
  const [isLive, setLive] = useState(true);
  const [skip, setSkip] = useState(0);
  const client = useClient();
  const preview = useQuery({
    queryKey: ['preview', name, skip],
    queryFn: () => client.preview(name, PAGE_ROWS, skip),
    refetchInterval: isLive ? REFRESH_MILLISECONDS : false,
    placeholderData: keepPreviousData,
  });
  if (preview.data === undefined)
    return preview.error === null ? (
      <Skeleton height={300} />
    ) : (
      <ProblemNote problem={problemOf(preview.error)} />
    );
  const rows = preview.data.rows
    .map((row, index) => ({ row, id: `${row.offset} ${index}` }))
    .filter(
      ({ row }) => wanted === '' || JSON.stringify(row.values).toLowerCase().includes(wanted.toLowerCase()),
    )
    .toReversed();
  return (
    <>
      <Group mb="sm" justify="space-between">
        <Group>
          <SegmentedControl
            data={['Table', 'JSON']}
            value={form}
            onChange={setForm}
            aria-label="Form of the preview"
          />
          <TextInput
            aria-label="Find in these rows"
            placeholder="Find in these rows"
            value={wanted}
            onChange={(event) => setWanted(event.currentTarget.value)}
          />
          <Switch label="Live" checked={isLive} onChange={(event) => setLive(event.currentTarget.checked)} />
        </Group>
        <Group gap="xs">
          <Text size="sm" className="quiet">
            {skip === 0 ? 'newest' : `${count(skip)} before the newest`}
          </Text>
          <Button
            size="compact-sm"
            variant="default"
            disabled={skip === 0}
            onClick={() => setSkip(Math.max(0, skip - PAGE_ROWS))}
          >
            Newer
          </Button>
          <Button
            size="compact-sm"
            variant="default"
            disabled={preview.data.rows.length < PAGE_ROWS}
            onClick={() => setSkip(skip + PAGE_ROWS)}
          >
            Older
          </Button>
        </Group>
      </Group>
      <Rows form={form} preview={preview.data} rows={rows} />
    </>
  );
}

interface Shown {
  readonly row: PreviewRow;
  readonly id: string;
}

interface RowsProps {
  readonly form: string;
  readonly preview: Preview;
  readonly rows: readonly Shown[];
}

function Rows({ form, preview, rows }: RowsProps) {
  const names = preview.schema?.columns.map(({ name }) => name);
  const columns = useMemo(
    () => columnsOf(names ?? Object.keys(preview.rows[0]?.values ?? {})),
    [names?.join('|'), preview],
  );
  if (rows.length === 0)
    return <EmptyState title="No rows">Nothing was captured here yet, or nothing has this in it.</EmptyState>;
  if (form === 'Table')
    return <DataTable dense label="Newest rows" columns={columns} rows={rows} rowKey={({ id }) => id} />;
  return (
    <Code block mah={640} style={{ overflow: 'auto' }} tabIndex={0}>
      {rows.map(({ row }) => JSON.stringify(row, null, 2)).join('\n')}
    </Code>
  );
}

function columnsOf(names: readonly string[]): readonly DataColumn<Shown>[] {
  return [
    { id: ' offset', header: 'offset', align: 'right', cell: ({ row }) => row.offset },
    { id: ' operation', header: 'operation', cell: ({ row }) => row.operation },
    ...names.map((name): DataColumn<Shown> => ({
      id: name,
      header: name,
      cell: ({ row }) => <Value row={row} name={name} />,
    })),
  ];
}

function Value({ row, name }: { readonly row: PreviewRow; readonly name: string }) {
  const value = row.values[name];
  if (value === undefined) return <span className="quiet">not said</span>;
  if (value === null) return <span className="quiet">null</span>;
  const isCut = row.cut?.includes(name) ?? false;
  return (
    <span title={value}>
      {value}
      {isCut && <span className="quiet"> … cut</span>}
    </span>
  );
}
