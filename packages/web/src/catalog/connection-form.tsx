import type { ConnectorDescription } from '@brimful/api';
import { Button, Group, Loader, Stack, Text, TextInput } from '@mantine/core';
import { useEffect, useMemo, useState } from 'react';
import { ProblemNote } from '../parts/problem-note.tsx';
import { problemOf } from '../server/server-problem.ts';
import type { TaskKind } from './catalog-task.ts';
import { configOf, nameComplaint, schemaFor, SECTIONS } from './catalog-task.ts';
import { complaintsOf, fieldsOf } from './config-field.ts';
import { ConfigFields } from './config-fields.tsx';
import { ConnectionFindings } from './connection-findings.tsx';
import type { CatalogDraft } from './use-catalog-draft.ts';
import type { Connection } from './use-connection.ts';

interface ConnectionFormProps {
  readonly draft: CatalogDraft;
  readonly kind: TaskKind;
  readonly name: string;
  readonly connector: ConnectorDescription;
  readonly connection: Connection;
  /** Undefined: it runs, and what runs keeps its name. */
  readonly onRename?: (name: string) => void;
}

/** Name and config of one capture or materialization, and whether it can be reached. */
export function ConnectionForm(props: ConnectionFormProps) {
  const { draft, kind, name, connector, connection, onRename } = props;
  const { readable, current, edit } = draft;
  const schema = schemaFor(connector, kind);
  const fields = useMemo(() => fieldsOf(schema ?? {}), [schema]);
  const config = configOf(readable, kind, name);
  const isDisabled = !current.isReadable;
  const wrong = complaintsOf(fields, config);
  return (
    <Stack gap="md">
      {onRename !== undefined && <NameInput draft={draft} kind={kind} name={name} onRename={onRename} />}
      <ConfigFields
        task={name}
        fields={fields}
        config={config}
        isDisabled={isDisabled}
        onChange={(field, value) =>
          edit((catalog) => catalog.with([SECTIONS[kind], name, 'config', field], value))
        }
      />
      <Group gap="sm">
        <Button
          variant="default"
          disabled={isDisabled || wrong.length > 0}
          loading={connection.isChecking}
          onClick={connection.check}
        >
          Test connection
        </Button>
        <Text size="sm" className="quiet" role="status">
          <Progress connection={connection} wrong={wrong} />
        </Text>
      </Group>
      {connection.checkError !== null && <ProblemNote problem={problemOf(connection.checkError)} />}
      {connection.report !== null && connection.report.findings.length > 0 && (
        <ConnectionFindings findings={connection.report.findings} />
      )}
    </Stack>
  );
}

function Progress({
  connection,
  wrong,
}: {
  readonly connection: Connection;
  readonly wrong: readonly string[];
}) {
  if (connection.isChecking) {
    return (
      <Group gap="xs" component="span">
        <Loader size="xs" /> Brimful is connecting. Nothing is changed.
      </Group>
    );
  }
  if (wrong.length > 0) return <>Still to be said: {wrong.join(', ')}.</>;
  if (connection.report === null) return <>Brimful connects and says what is missing.</>;
  if (!connection.isCurrent) return <>Something was changed since.</>;
  return connection.report.ok ? <>It can be reached, and nothing is missing.</> : <>Something is missing.</>;
}

interface NameInputProps {
  readonly draft: CatalogDraft;
  readonly kind: TaskKind;
  readonly name: string;
  readonly onRename: (name: string) => void;
}

function NameInput({ draft, kind, name, onRename }: NameInputProps) {
  const [typed, setTyped] = useState(name);
  // Renamed in the text, or begun anew.
  useEffect(() => setTyped(name), [name]);
  const complaint = nameComplaint(draft.readable, kind, name, typed);
  return (
    <TextInput
      label="Name"
      description={
        kind === 'capture'
          ? 'What stands before the last slash begins the names of its collections: shop/postgres fills shop/orders.'
          : 'What it is called everywhere: shop/warehouse.'
      }
      value={typed}
      error={complaint}
      disabled={!draft.current.isReadable}
      spellCheck={false}
      autoComplete="off"
      onChange={(event) => {
        const next = event.currentTarget.value;
        setTyped(next);
        if (nameComplaint(draft.readable, kind, name, next) === null) onRename(next);
      }}
    />
  );
}
