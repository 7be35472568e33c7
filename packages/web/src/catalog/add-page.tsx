import type { ConnectorDescription } from '@brimful/api';
import type { Catalog, RuntimeStatus } from '@brimful/model';
import { useMemo, useState } from 'react';
import { Page } from '../parts/page.tsx';
import { Section } from '../parts/section.tsx';
import { WithStatus } from '../parts/with-status.tsx';
import { CatalogText } from './catalog-text.ts';
import { CatalogWorkbench } from './catalog-workbench.tsx';
import type { TaskKind } from './catalog-task.ts';
import {
  connectorOf,
  connectorsFor,
  freeName,
  KIND_WORDS,
  SECTIONS,
  taskNames,
  withNewTask,
} from './catalog-task.ts';
import { ConnectorChoice } from './connector-choice.tsx';
import { TaskForm } from './task-form.tsx';
import { useCatalogDraft } from './use-catalog-draft.ts';
import { WithCatalog } from './with-catalog.tsx';

const SENTENCES: Readonly<Record<TaskKind, string>> = {
  capture: 'A database whose tables are read once, and then followed change by change.',
  materialization: 'Tables that are kept equal to collections.',
};

/** A new capture or materialization: by form, by text, or by both. */
export function AddCapturePage() {
  return <AddPage kind="capture" />;
}

export function AddMaterializationPage() {
  return <AddPage kind="materialization" />;
}

function AddPage({ kind }: { readonly kind: TaskKind }) {
  const word = KIND_WORDS[kind];
  return (
    <Page title={`New ${word}`} state="Draft" sentence={SENTENCES[kind]}>
      <WithStatus>
        {(status) => (
          <WithCatalog>
            {(catalog, connectors) => (
              <Adding key={kind} kind={kind} catalog={catalog} connectors={connectors} status={status} />
            )}
          </WithCatalog>
        )}
      </WithStatus>
    </Page>
  );
}

interface AddingProps {
  readonly kind: TaskKind;
  readonly catalog: Catalog;
  readonly connectors: readonly ConnectorDescription[];
  readonly status: RuntimeStatus;
}

function Adding({ kind, catalog, connectors, status }: AddingProps) {
  const draft = useCatalogDraft(catalog);
  const [chosen, setChosen] = useState<string | null>(null);
  const { readable, current, edit } = draft;
  const before = useMemo(() => taskNames(CatalogText.parse(draft.base.text), kind), [draft.base, kind]);
  const name = followed(chosen, taskNames(readable, kind), before);
  const connector = name === null ? null : connectorOf(readable, kind, name);
  const choose = (next: string): void => {
    if (name !== null) {
      // What was said to the one means nothing to the other.
      edit((old) =>
        old.with([SECTIONS[kind], name, 'connector'], next).with([SECTIONS[kind], name, 'config'], {}),
      );
      return;
    }
    const fresh = freeName(readable, kind, next);
    edit((old) => withNewTask(old, kind, fresh, next));
    setChosen(fresh);
  };
  return (
    <CatalogWorkbench
      draft={draft}
      defaultReason={name === null ? `add a ${KIND_WORDS[kind]}` : `add ${name}`}
    >
      <Section title="What it is">
        <ConnectorChoice
          connectors={connectorsFor(connectors, kind)}
          value={connector}
          isDisabled={!current.isReadable}
          onChange={choose}
        />
      </Section>
      {name !== null && (
        <TaskForm
          key={connector}
          draft={draft}
          kind={kind}
          name={name}
          connector={connectors.find((one) => one.name === connector)}
          status={status}
          onRename={(next) => {
            edit((old) => old.renamed([SECTIONS[kind], name], next));
            setChosen(next);
          }}
        />
      )}
    </CatalogWorkbench>
  );
}

/** Which one is being added: the chosen one, or what appeared in the text instead of it. */
function followed(chosen: string | null, names: readonly string[], before: readonly string[]): string | null {
  if (chosen !== null && names.includes(chosen)) return chosen;
  return names.find((name) => !before.includes(name)) ?? null;
}
