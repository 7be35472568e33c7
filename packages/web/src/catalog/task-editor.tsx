import type { ConnectorDescription } from '@brimful/api';
import type { Catalog, RuntimeStatus } from '@brimful/model';
import { Alert, Button, Group, Text } from '@mantine/core';
import { WithStatus } from '../parts/with-status.tsx';
import type { TaskKind } from './catalog-task.ts';
import { connectorOf, KIND_WORDS, SECTIONS } from './catalog-task.ts';
import { CatalogWorkbench } from './catalog-workbench.tsx';
import { TaskForm } from './task-form.tsx';
import { useCatalogDraft } from './use-catalog-draft.ts';
import { WithCatalog } from './with-catalog.tsx';

export interface TaskEditorProps {
  readonly kind: TaskKind;
  readonly name: string;
}

/** What is written about one capture or materialization that is there already. */
export function TaskEditor({ kind, name }: TaskEditorProps) {
  return (
    <WithStatus>
      {(status) => (
        <WithCatalog>
          {(catalog, connectors) => (
            <Editing
              key={name}
              kind={kind}
              name={name}
              catalog={catalog}
              connectors={connectors}
              status={status}
            />
          )}
        </WithCatalog>
      )}
    </WithStatus>
  );
}

interface EditingProps extends TaskEditorProps {
  readonly catalog: Catalog;
  readonly connectors: readonly ConnectorDescription[];
  readonly status: RuntimeStatus;
}

function Editing({ kind, name, catalog, connectors, status }: EditingProps) {
  const draft = useCatalogDraft(catalog);
  const { readable, current, edit } = draft;
  const connector = connectorOf(readable, kind, name);
  const word = KIND_WORDS[kind];
  const isWritten = connector !== null;
  return (
    <CatalogWorkbench
      draft={draft}
      defaultReason={isWritten ? `change ${name}` : `remove ${name}`}
      start={readable.lineOf([SECTIONS[kind], name])}
    >
      {isWritten ? (
        <>
          <TaskForm
            draft={draft}
            kind={kind}
            name={name}
            connector={connectors.find((one) => one.name === connector)}
            status={status}
          />
          <Group>
            <Button
              variant="outline"
              color="red"
              disabled={!current.isReadable}
              onClick={() => edit((before) => before.with([SECTIONS[kind], name], undefined))}
            >
              Remove this {word}
            </Button>
          </Group>
        </>
      ) : (
        <Removed draft={draft} word={word} name={name} />
      )}
    </CatalogWorkbench>
  );
}

interface RemovedProps {
  readonly draft: ReturnType<typeof useCatalogDraft>;
  readonly word: string;
  readonly name: string;
}

function Removed({ draft, word, name }: RemovedProps) {
  return (
    <Alert variant="outline" color="yellow" role="status" title={`${name} is not in the catalog any more`}>
      <Text size="sm">
        Publish, and this {word} stops. What it brought so far stays where it is: the preview below says what
        else hangs on it.
      </Text>
      {draft.isChanged && (
        <Button mt="sm" size="compact-sm" variant="default" onClick={draft.reset}>
          Put it back
        </Button>
      )}
    </Alert>
  );
}
