import type { CaptureBindingStatus } from '@brimful/model';
import type { DataColumn } from '../parts/data-table.tsx';
import { DataTable } from '../parts/data-table.tsx';
import { MomentText } from '../parts/moment-text.tsx';
import { NameLink } from '../parts/name-link.tsx';
import { Section } from '../parts/section.tsx';
import { StateMark } from '../parts/state-mark.tsx';

interface Row {
  readonly collection: string;
  readonly version: number;
  readonly at: number | undefined;
  readonly sentence: string;
  readonly isWidening: boolean;
}

const COLUMNS: readonly DataColumn<Row>[] = [
  { id: 'at', header: 'When', order: ({ at }) => at ?? 0, cell: ({ at }) => <MomentText at={at} /> },
  {
    id: 'collection',
    header: 'Collection',
    order: ({ collection }) => collection,
    cell: ({ collection }) => <NameLink kind="collection" name={collection} />,
  },
  { id: 'version', header: 'Version', align: 'right', cell: ({ version }) => version },
  {
    id: 'change',
    header: 'What changed',
    cell: ({ sentence, isWidening }) => <StateMark state={isWidening ? 'ok' : 'warning'} label={sentence} />,
  },
];

/** The newest change of each table whose shape has ever changed; the whole history stands at its collection. */
export function SchemaChanges({ bindings }: { readonly bindings: readonly CaptureBindingStatus[] }) {
  const rows = bindings
    .flatMap(({ collection, schema }): readonly Row[] =>
      schema?.change === undefined
        ? []
        : [{ collection, version: schema.version, at: schema.registeredAt, ...schema.change }],
    )
    .toSorted((left, right) => (right.at ?? 0) - (left.at ?? 0));
  return (
    <Section title="Schema changes" note="The newest of each table; all of them stand at its collection.">
      {rows.length === 0 ? (
        <p className="quiet">No table has changed its shape since it was first read.</p>
      ) : (
        <DataTable
          label="Schema changes"
          columns={COLUMNS}
          rows={rows}
          rowKey={({ collection }) => collection}
          maxHeight={320}
        />
      )}
    </Section>
  );
}
