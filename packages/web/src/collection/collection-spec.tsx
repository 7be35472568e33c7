import type { ColumnDefinition, Schema } from '@brimful/model';
import { columnTypeText } from '@brimful/model';
import { Stack, Text } from '@mantine/core';
import { useMemo } from 'react';
import type { DataColumn } from '../parts/data-table.tsx';
import { DataTable } from '../parts/data-table.tsx';
import { EmptyState } from '../parts/empty-state.tsx';

/** The collection's present schema. */
export function CollectionSpec({ schema }: { readonly schema: Schema | null }) {
  const columns = useMemo(() => columnsOf(schema?.key ?? []), [schema]);
  if (schema === null)
    return <EmptyState title="No schema yet">It is known as soon as the first row was captured.</EmptyState>;
  return (
    <Stack gap="sm">
      <Text size="sm" className="quiet">
        Version {schema.version} ·{' '}
        {schema.key.length === 0
          ? 'no key: rows are told apart by all their values'
          : `key ${schema.key.join(', ')}`}
      </Text>
      <DataTable label="Columns" columns={columns} rows={schema.columns} rowKey={({ name }) => name} />
    </Stack>
  );
}

function columnsOf(key: readonly string[]): readonly DataColumn<ColumnDefinition>[] {
  return [
    {
      id: 'name',
      header: 'Column',
      order: ({ name }) => name,
      cell: ({ name }) => (
        <>
          <span className="mono">{name}</span>
          {key.includes(name) && <span className="quiet"> key {key.indexOf(name) + 1}</span>}
        </>
      ),
    },
    { id: 'type', header: 'Type', cell: ({ type }) => columnTypeText(type) },
    {
      id: 'source',
      header: 'At the source',
      cell: ({ sourceType }) => <span className="mono">{sourceType}</span>,
    },
    { id: 'nullable', header: 'Nulls', cell: ({ nullable }) => (nullable ? 'allowed' : 'never') },
    {
      id: 'initial',
      header: 'Before it existed',
      cell: ({ initial }) => (initial === undefined ? '–' : <span className="mono">{initial}</span>),
    },
  ];
}
