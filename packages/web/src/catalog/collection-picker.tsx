import type { RuntimeStatus } from '@brimful/model';
import { defaultTable } from '@brimful/model';
import { Checkbox, Radio, Select, Stack, Text, TextInput } from '@mantine/core';
import { useDeferredValue, useMemo, useState } from 'react';
import type { DataColumn } from '../parts/data-table.tsx';
import { DataTable } from '../parts/data-table.tsx';
import { taskNames } from './catalog-task.ts';
import type { CollectionChoice } from './collection-choice.ts';
import { collectionChoiceOf, tableOf, withCollection, withTableName } from './collection-choice.ts';
import type { CatalogDraft } from './use-catalog-draft.ts';

interface CollectionPickerProps {
  readonly draft: CatalogDraft;
  readonly materialization: string;
  readonly status: RuntimeStatus;
}

interface Row {
  readonly collection: string;
  readonly capture: string | null;
}

const DELETES = [
  { value: 'hard', label: 'Deleted rows vanish' },
  { value: 'soft', label: 'Deleted rows stay, marked' },
];

/** Which collections become tables: all of a source, new ones too, or one by one. */
export function CollectionPicker({ draft, materialization, status }: CollectionPickerProps) {
  const [filter, setFilter] = useState('');
  const wanted = useDeferredValue(filter.trim().toLowerCase());
  const { readable, current } = draft;
  const path = useMemo(() => ['materializations', materialization], [materialization]);
  const choice = useMemo(() => collectionChoiceOf(readable.at(path)), [readable, path]);
  // Those that were marked at first come first; what is marked now stays where it is.
  const [first] = useState(() => new Set(choice.collections.map(({ collection }) => collection)));
  const rows = useMemo(() => rowsOf(status, choice, first), [status, choice, first]);
  const shown = rows.filter(({ collection }) => collection.toLowerCase().includes(wanted));
  const isDisabled = !current.isReadable;
  const columns = useMemo(
    () => columnsOf({ draft, materialization, choice, isDisabled }),
    [draft, materialization, choice, isDisabled],
  );
  return (
    <Stack gap="sm">
      <WhatItGets draft={draft} materialization={materialization} choice={choice} />
      {rows.length === 0 ? (
        <Text size="sm" className="quiet">
          There are no collections yet: they come with the first source.
        </Text>
      ) : (
        <>
          <TextInput
            aria-label="Find a collection"
            placeholder="Find a collection"
            value={filter}
            onChange={(event) => setFilter(event.currentTarget.value)}
          />
          <DataTable
            label="Collections"
            columns={columns}
            rows={shown}
            rowKey={({ collection }) => collection}
            maxHeight={420}
            empty={<Text size="sm">No collection has {filter} in its name.</Text>}
          />
        </>
      )}
    </Stack>
  );
}

interface WhatItGetsProps {
  readonly draft: CatalogDraft;
  readonly materialization: string;
  readonly choice: CollectionChoice;
}

function WhatItGets({ draft, materialization, choice }: WhatItGetsProps) {
  const { readable, current, edit } = draft;
  const path = ['materializations', materialization];
  const captures = taskNames(readable, 'capture');
  const isDisabled = !current.isReadable;
  const follow = (source: string | undefined): void =>
    edit((catalog) => catalog.with([...path, 'source'], source));
  return (
    <>
      <Radio.Group
        label="What it gets"
        value={choice.source === null ? 'chosen' : 'all'}
        onChange={(value) => follow(value === 'all' ? (captures[0] ?? '') : undefined)}
      >
        <Stack gap="xs" mt={6}>
          <Radio
            value="all"
            label="All collections of a source, new ones too"
            disabled={isDisabled || captures.length === 0}
          />
          <Radio value="chosen" label="Only those that are marked below" disabled={isDisabled} />
        </Stack>
      </Radio.Group>
      {choice.source !== null && (
        <Select
          label="Source"
          allowDeselect={false}
          data={[...new Set([...captures, choice.source])].filter((name) => name !== '')}
          value={choice.source}
          disabled={isDisabled}
          onChange={(source) => follow(source ?? undefined)}
        />
      )}
      <Select
        label="When a row is deleted"
        allowDeselect={false}
        data={DELETES}
        value={choice.deletes}
        disabled={isDisabled}
        onChange={(value) =>
          edit((catalog) => catalog.with([...path, 'deletes'], value === 'soft' ? 'soft' : undefined))
        }
      />
    </>
  );
}

/** Those that exist, and those that are only written down. */
function rowsOf(
  { captures }: RuntimeStatus,
  { collections }: CollectionChoice,
  first: ReadonlySet<string>,
): readonly Row[] {
  const known = captures.flatMap(({ name, bindings }) =>
    bindings.map(({ collection }) => ({ collection, capture: name })),
  );
  const names = new Set(known.map(({ collection }) => collection));
  const unknown = collections
    .filter(({ collection }) => !names.has(collection))
    .map(({ collection }) => ({ collection, capture: null }));
  const isFirst = ({ collection }: Row): boolean => first.has(collection);
  return [...unknown, ...known.filter(isFirst), ...known.filter((row) => !isFirst(row))];
}

interface ColumnsOf {
  readonly draft: CatalogDraft;
  readonly materialization: string;
  readonly choice: CollectionChoice;
  readonly isDisabled: boolean;
}

function columnsOf({ draft, materialization, choice, isDisabled }: ColumnsOf): readonly DataColumn<Row>[] {
  const { edit } = draft;
  const isFollowed = ({ capture }: Row): boolean => choice.source !== null && choice.source === capture;
  const isNamed = ({ collection }: Row): boolean =>
    choice.collections.some((one) => one.collection === collection);
  return [
    {
      id: 'taken',
      header: <span className="for-screen-readers">Materialize</span>,
      width: '44px',
      cell: (row) => (
        <Checkbox
          aria-label={`Materialize ${row.collection}`}
          checked={isNamed(row) || isFollowed(row)}
          disabled={isDisabled || isFollowed(row)}
          onChange={(event) => {
            const isTaken = event.currentTarget.checked;
            edit((catalog) => withCollection(catalog, materialization, row.collection, isTaken));
          }}
        />
      ),
    },
    {
      id: 'collection',
      header: 'Collection',
      order: ({ collection }) => collection,
      cell: ({ collection }) => collection,
    },
    {
      id: 'table',
      header: 'Table',
      cell: (row) =>
        isNamed(row) || isFollowed(row) ? (
          <TextInput
            aria-label={`Table of ${row.collection}`}
            size="xs"
            value={tableOf(choice, row.collection)}
            placeholder={defaultTable(row.collection)}
            disabled={isDisabled}
            onChange={(event) => {
              const table = event.currentTarget.value;
              edit((catalog) => withTableName(catalog, materialization, row.collection, table));
            }}
          />
        ) : (
          <span className="quiet">–</span>
        ),
    },
  ];
}
