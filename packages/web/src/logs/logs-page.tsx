import type { LogEntry } from '@brimful/api';
import {
  Button,
  CopyButton,
  Group,
  SegmentedControl,
  Select,
  Skeleton,
  Switch,
  TextInput,
} from '@mantine/core';
import { useSearch } from '@tanstack/react-router';
import { useMemo, useState } from 'react';
import { EmptyState } from '../parts/empty-state.tsx';
import { Page } from '../parts/page.tsx';
import { WithStatus } from '../parts/with-status.tsx';
import { LINES_LIMIT } from '../server/log-tail.ts';
import { useLogs } from '../server/server-context.tsx';
import { count } from '../words/quantity.ts';
import { LogLines } from './log-lines.tsx';
import type { LogFilter } from './log-words.ts';
import { isWanted, linesText } from './log-words.ts';

const LEVELS = [
  { value: 'info', label: 'All' },
  { value: 'warn', label: 'Warnings and errors' },
  { value: 'error', label: 'Errors' },
];
const HEIGHT = 620;

export interface LogsStart {
  readonly task?: string;
}

export function LogsPage() {
  const { task = null } = useSearch({ from: '/logs' });
  return (
    <WithStatus>
      {({ captures, materializations }) => (
        <Logs key={task} task={task} tasks={[...captures, ...materializations].map(({ name }) => name)} />
      )}
    </WithStatus>
  );
}

function Logs({ task, tasks }: { readonly task: string | null; readonly tasks: readonly string[] }) {
  const [filter, setFilter] = useState<LogFilter>({ level: 'info', text: '', task });
  const [follows, setFollows] = useState(true);
  const lines = useLogs();
  const wanted = useMemo(() => (lines ?? []).filter((entry) => isWanted(entry, filter)), [lines, filter]);
  return (
    <Page
      title="Logs"
      sentence={`What Brimful says, as it says it. The newest ${count(LINES_LIMIT)} lines since the start; secrets are taken out.`}
      actions={<Verbs wanted={wanted} follows={follows} onFollows={setFollows} />}
    >
      <Filters filter={filter} tasks={tasks} onChange={setFilter} />
      {lines === null ? (
        <Skeleton height={HEIGHT} />
      ) : wanted.length === 0 ? (
        <EmptyState title="No lines">
          {lines.length === 0 ? 'Nothing was said yet.' : 'None of the lines fits the filter.'}
        </EmptyState>
      ) : (
        <LogLines label="Log lines" entries={wanted} follows={follows} height={HEIGHT} />
      )}
    </Page>
  );
}

function Verbs({
  wanted,
  follows,
  onFollows,
}: {
  readonly wanted: readonly LogEntry[];
  readonly follows: boolean;
  readonly onFollows: (follows: boolean) => void;
}) {
  return (
    <Group gap="md">
      <Switch
        label="Follow"
        checked={follows}
        onChange={({ currentTarget }) => onFollows(currentTarget.checked)}
      />
      <CopyButton value={linesText(wanted)}>
        {({ copied, copy }) => (
          <Button size="compact-sm" variant="default" onClick={copy} disabled={wanted.length === 0}>
            {copied ? 'Copied' : `Copy ${count(wanted.length)} ${wanted.length === 1 ? 'line' : 'lines'}`}
          </Button>
        )}
      </CopyButton>
    </Group>
  );
}

function Filters({
  filter,
  tasks,
  onChange,
}: {
  readonly filter: LogFilter;
  readonly tasks: readonly string[];
  readonly onChange: (filter: LogFilter) => void;
}) {
  return (
    <Group>
      <SegmentedControl
        aria-label="Which lines"
        size="xs"
        data={LEVELS}
        value={filter.level}
        onChange={(level) => onChange({ ...filter, level: level as LogFilter['level'] })}
      />
      <Select
        aria-label="Of which task"
        placeholder="Of everything"
        clearable
        searchable
        data={[...tasks]}
        value={filter.task}
        onChange={(task) => onChange({ ...filter, task })}
      />
      <TextInput
        aria-label="Find in lines"
        placeholder="Find in lines"
        value={filter.text}
        onChange={({ currentTarget }) => onChange({ ...filter, text: currentTarget.value })}
        w={260}
      />
    </Group>
  );
}
