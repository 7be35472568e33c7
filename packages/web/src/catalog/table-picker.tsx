import type { Discovery } from '@brimful/api';
import { Button, Checkbox, Group, Loader, Stack, Switch, Text, TextInput } from '@mantine/core';
import { useDeferredValue, useMemo, useState } from 'react';
import type { DataColumn } from '../parts/data-table.tsx';
import { DataTable } from '../parts/data-table.tsx';
import { ProblemNote } from '../parts/problem-note.tsx';
import { problemOf } from '../server/server-problem.ts';
import { bytes, count } from '../words/quantity.ts';
import type { TableChoice } from './table-choice.ts';
import {
  choiceOf,
  collectionOf,
  isSchemaFollowed,
  schemaOf,
  takingOf,
  withSchema,
  withTable,
} from './table-choice.ts';
import type { CatalogDraft } from './use-catalog-draft.ts';
import type { Connection } from './use-connection.ts';

type Resource = Discovery['resources'][number];

interface TablePickerProps {
  readonly draft: CatalogDraft;
  readonly capture: string;
  readonly connection: Connection;
}

/** Which tables of a source are captured: one by one, or all of a schema, new ones too. */
export function TablePicker({ draft, capture, connection }: TablePickerProps) {
  const [filter, setFilter] = useState('');
  const wanted = useDeferredValue(filter.trim().toLowerCase());
  const { readable, current, edit } = draft;
  const choice = useMemo(() => choiceOf(readable.at(['captures', capture])), [readable, capture]);
  const rows = useMemo(() => rowsOf(connection.resources, choice), [connection.resources, choice]);
  const shown = useMemo(() => rows.filter(({ name }) => name.toLowerCase().includes(wanted)), [rows, wanted]);
  const isDisabled = !current.isReadable;
  const columns = useMemo(
    () =>
      columnsOf(capture, choice, isDisabled, (resource, isTaken) =>
        edit((catalog) => withTable(catalog, capture, resource, isTaken)),
      ),
    [capture, choice, isDisabled, edit],
  );
  const taken = rows.filter(({ name }) => takingOf(choice, name) !== null).length;
  return (
    <Stack gap="sm">
      <Group gap="sm">
        <Button
          variant="default"
          disabled={isDisabled}
          loading={connection.isDiscovering}
          onClick={connection.discover}
        >
          {connection.resources === null ? 'Find tables' : 'Look again'}
        </Button>
        <Text size="sm" className="quiet" role="status">
          {connection.isDiscovering ? (
            <Group gap="xs" component="span">
              <Loader size="xs" /> Asking the source for its tables.
            </Group>
          ) : (
            sentenceOf(connection.resources, choice, taken)
          )}
        </Text>
      </Group>
      {connection.discoverError !== null && <ProblemNote problem={problemOf(connection.discoverError)} />}
      <SchemaSwitches rows={rows} choice={choice} capture={capture} draft={draft} />
      {rows.length > 0 && (
        <>
          <TextInput
            aria-label="Find a table"
            placeholder="Find a table"
            value={filter}
            onChange={(event) => setFilter(event.currentTarget.value)}
          />
          <DataTable
            label="Tables of the source"
            columns={columns}
            rows={shown}
            rowKey={({ name }) => name}
            maxHeight={420}
            empty={<Text size="sm">No table has {filter} in its name.</Text>}
          />
        </>
      )}
    </Stack>
  );
}

function sentenceOf(resources: Connection['resources'], choice: TableChoice, taken: number): string {
  if (resources !== null) return `${count(taken)} of ${count(resources.length)} tables are captured.`;
  if (choice.follows === null) return `${count(choice.tables.length)} tables are named in the catalog.`;
  const { schemas } = choice.follows;
  return schemas === null
    ? 'All tables, new ones too.'
    : `All tables of ${schemas.join(', ')}, new ones too.`;
}

interface Row {
  readonly name: string;
  /** Undefined: it is named in the catalog, and was not found, or nobody looked yet. */
  readonly found: Resource | undefined;
  readonly isMissing: boolean;
}

function rowsOf(resources: Connection['resources'], { tables }: TableChoice): readonly Row[] {
  const found = resources ?? [];
  const names = new Set(found.map(({ name }) => name));
  const missing = tables.filter(({ resource }) => !names.has(resource));
  return [
    ...missing.map(({ resource }) => ({ name: resource, found: undefined, isMissing: resources !== null })),
    ...found.map((resource) => ({ name: resource.name, found: resource, isMissing: false })),
  ];
}

interface SchemaSwitchesProps {
  readonly rows: readonly Row[];
  readonly choice: TableChoice;
  readonly capture: string;
  readonly draft: CatalogDraft;
}

function SchemaSwitches({ rows, choice, capture, draft: { current, edit } }: SchemaSwitchesProps) {
  const known = [
    ...new Set([...rows.map(({ name }) => schemaOf(name)), ...(choice.follows?.schemas ?? [])]),
  ].toSorted();
  if (known.length === 0) return null;
  return (
    <Group gap="md">
      {known.map((schema) => (
        <Switch
          key={schema}
          label={`All of ${schema}, new tables too`}
          checked={isSchemaFollowed(choice, schema)}
          disabled={!current.isReadable}
          onChange={(event) => {
            const isWanted = event.currentTarget.checked;
            edit((catalog) => withSchema(catalog, capture, schema, isWanted, known));
          }}
        />
      ))}
    </Group>
  );
}

function columnsOf(
  capture: string,
  choice: TableChoice,
  isDisabled: boolean,
  onTake: (resource: string, isTaken: boolean) => void,
): readonly DataColumn<Row>[] {
  return [
    {
      id: 'taken',
      header: <span className="for-screen-readers">Capture</span>,
      width: '44px',
      cell: ({ name, found }) => (
        <Checkbox
          aria-label={`Capture ${name}`}
          checked={takingOf(choice, name) !== null}
          disabled={isDisabled || (found?.problem?.blocks === true && takingOf(choice, name) === null)}
          onChange={(event) => onTake(name, event.currentTarget.checked)}
        />
      ),
    },
    {
      id: 'table',
      header: 'Table',
      order: ({ name }) => name,
      cell: ({ name, found, isMissing }) => (
        <>
          {name}
          {isMissing && <div className="quiet">The source has no such table now.</div>}
          {found?.problem !== undefined && found.problem !== null && (
            <Text size="xs" className="quiet">
              {found.problem.message} {found.problem.remedy}
            </Text>
          )}
        </>
      ),
    },
    {
      id: 'collection',
      header: 'Collection',
      cell: ({ name, found }) =>
        takingOf(choice, name) === null ? (
          <span className="quiet">–</span>
        ) : (
          collectionOf(capture, choice, name, found?.suggestedTarget ?? '…')
        ),
    },
    {
      id: 'rows',
      header: 'Rows',
      align: 'right',
      order: ({ found }) => found?.rows ?? -1,
      cell: ({ found }) =>
        found === undefined || found.quality === 'unknown' ? (
          '–'
        ) : (
          <>
            {count(found.rows)}
            <Text size="xs" className="quiet">
              {bytes(found.bytes)}
            </Text>
          </>
        ),
    },
  ];
}
