import type { CaptureBindingStatus } from '@brimful/model';
import { Button, Checkbox, Group } from '@mantine/core';
import { useMemo } from 'react';
import type { DataColumn } from '../parts/data-table.tsx';
import { DataTable } from '../parts/data-table.tsx';
import { StateMark } from '../parts/state-mark.tsx';
import { bytes, count } from '../words/quantity.ts';

interface TargetCollectionsProps {
  readonly bindings: readonly CaptureBindingStatus[];
  readonly chosen: ReadonlySet<string>;
  readonly onChoose: (chosen: ReadonlySet<string>) => void;
}

/** Every binding with its Backfill mark. */
export function TargetCollections({ bindings, chosen, onChoose }: TargetCollectionsProps) {
  const columns = useMemo(() => columnsOf(chosen, onChoose), [chosen, onChoose]);
  const isAll = bindings.length > 0 && chosen.size === bindings.length;
  return (
    <>
      <Group>
        <Button
          variant="default"
          size="compact-md"
          onClick={() => onChoose(isAll ? new Set() : new Set(bindings.map(({ collection }) => collection)))}
        >
          {isAll ? 'Backfill none' : 'Backfill all'}
        </Button>
      </Group>
      <DataTable
        label="Target collections"
        columns={columns}
        rows={bindings}
        rowKey={({ collection }) => collection}
        maxHeight={460}
      />
    </>
  );
}

function columnsOf(
  chosen: ReadonlySet<string>,
  onChoose: (chosen: ReadonlySet<string>) => void,
): readonly DataColumn<CaptureBindingStatus>[] {
  const toggle = (collection: string): void => {
    const next = new Set(chosen);
    if (!next.delete(collection)) next.add(collection);
    onChoose(next);
  };
  return [
    {
      id: 'backfill',
      header: 'Backfill',
      width: '90px',
      cell: ({ collection }) => (
        <Checkbox
          checked={chosen.has(collection)}
          onChange={() => toggle(collection)}
          aria-label={`Backfill ${collection}`}
        />
      ),
    },
    { id: 'resource', header: 'Table', order: ({ resource }) => resource, cell: ({ resource }) => resource },
    {
      id: 'collection',
      header: 'Collection',
      order: ({ collection }) => collection,
      cell: ({ collection }) => collection,
    },
    {
      id: 'phase',
      header: 'Phase',
      order: ({ phase }) => phase,
      cell: ({ phase }) => <StateMark state={phase} />,
    },
    {
      id: 'rows',
      header: 'Rows',
      align: 'right',
      order: ({ rowsRead }) => rowsRead,
      cell: ({ rowsRead, rowsEstimated }) => count(Math.max(rowsRead, rowsEstimated)),
    },
    {
      id: 'bytes',
      header: 'Size',
      align: 'right',
      order: ({ bytesEstimated }) => bytesEstimated,
      cell: ({ bytesRead, bytesEstimated }) => bytes(Math.max(bytesRead, bytesEstimated)),
    },
  ];
}
