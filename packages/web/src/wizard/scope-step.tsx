import type { RuntimeStatus } from '@brimful/model';
import { Group, MultiSelect, Radio, Select, Stack, Textarea, TextInput } from '@mantine/core';
import type { WizardForm } from './wizard-form.ts';
import { isBounded } from './wizard-form.ts';
import { TimeRange } from './time-range.tsx';

interface ScopeStepProps {
  readonly form: WizardForm;
  readonly status: RuntimeStatus;
  readonly onChange: (part: Partial<WizardForm>) => void;
}

/** Which task, which tables, and of these which rows. */
export function ScopeStep({ form, status, onChange }: ScopeStepProps) {
  const isMaterialization = form.mode === 'materialization';
  const tasks = isMaterialization ? status.materializations : status.captures;
  const collections =
    tasks.find(({ name }) => name === form.task)?.bindings.map(({ collection }) => collection) ?? [];
  return (
    <Stack pt="sm" maw={720}>
      <Select
        label={isMaterialization ? 'Destination' : 'Source'}
        data={tasks.map(({ name }) => name)}
        value={form.task}
        onChange={(task) => onChange({ task, bindings: [] })}
        searchable
        required
      />
      <MultiSelect
        label="Collections"
        description={`None chosen means all${collections.length === 0 ? '' : ` ${collections.length}`}.`}
        styles={{ description: { color: 'var(--brimful-quiet)' } }}
        data={collections}
        value={[...form.bindings]}
        onChange={(bindings) => onChange({ bindings })}
        searchable
        limit={100}
        disabled={form.task === null}
      />
      {isBounded(form) && <Rows form={form} onChange={onChange} />}
    </Stack>
  );
}

function Rows({ form, onChange }: Omit<ScopeStepProps, 'status'>) {
  return (
    <>
      <Radio.Group label="Rows" value={form.rows} onChange={(rows) => onChange({ rows: rows })}>
        <Group mt="xs">
          <Radio value="all" label="All" />
          <Radio value="time" label="By a time range" />
          <Radio value="key" label="By a key range" />
          <Radio value="keys" label="Single rows" />
        </Group>
      </Radio.Group>
      {form.rows === 'time' && <TimeRange form={form} onChange={onChange} />}
      {form.rows === 'key' && (
        <Group grow>
          <TextInput
            label="First key"
            description="Is in the range"
            placeholder="1000"
            value={form.keyFrom}
            onChange={(event) => onChange({ keyFrom: event.currentTarget.value })}
          />
          <TextInput
            label="Up to key"
            description="Is not in the range"
            placeholder="2000"
            value={form.keyTo}
            onChange={(event) => onChange({ keyTo: event.currentTarget.value })}
          />
        </Group>
      )}
      {form.rows === 'keys' && (
        <Textarea
          label="Keys"
          description="One on each line, the columns of a key separated by commas."
          autosize
          minRows={4}
          maxRows={14}
          value={form.keys}
          onChange={(event) => onChange({ keys: event.currentTarget.value })}
        />
      )}
    </>
  );
}
