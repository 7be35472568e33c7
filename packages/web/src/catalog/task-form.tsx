import type { ConnectorDescription } from '@brimful/api';
import type { RuntimeStatus } from '@brimful/model';
import { Alert, Text } from '@mantine/core';
import { Section } from '../parts/section.tsx';
import type { TaskKind } from './catalog-task.ts';
import { configOf, KIND_WORDS } from './catalog-task.ts';
import { CollectionPicker } from './collection-picker.tsx';
import { ConnectionForm } from './connection-form.tsx';
import { TablePicker } from './table-picker.tsx';
import type { CatalogDraft } from './use-catalog-draft.ts';
import { useConnection } from './use-connection.ts';

interface TaskFormProps {
  readonly draft: CatalogDraft;
  readonly kind: TaskKind;
  readonly name: string;
  readonly connector: ConnectorDescription | undefined;
  readonly status: RuntimeStatus;
  /** Undefined: it runs, and what runs keeps its name. */
  readonly onRename?: (name: string) => void;
}

/** One capture or materialization of the catalog as a form. */
export function TaskForm({ draft, kind, name, connector, status, onRename }: TaskFormProps) {
  const connection = useConnection({
    kind,
    connector: connector?.name ?? '',
    config: configOf(draft.readable, kind, name),
    name: onRename === undefined ? name : undefined,
  });
  if (connector === undefined) {
    return (
      <Alert variant="outline" color="yellow" role="status" title="There is no form for this">
        <Text size="sm">
          The catalog names a connector for this {KIND_WORDS[kind]} that Brimful does not know. Change it in
          the text.
        </Text>
      </Alert>
    );
  }
  return (
    <>
      <Section title="Connection" note={connector.title}>
        <ConnectionForm
          draft={draft}
          kind={kind}
          name={name}
          connector={connector}
          connection={connection}
          {...(onRename === undefined ? {} : { onRename })}
        />
      </Section>
      {kind === 'capture' ? (
        <Section title="Tables" note="What is captured, and what of it becomes which collection.">
          <TablePicker draft={draft} capture={name} connection={connection} />
        </Section>
      ) : (
        <Section title="Collections" note="What is written, and into which table.">
          <CollectionPicker draft={draft} materialization={name} status={status} />
        </Section>
      )}
    </>
  );
}
