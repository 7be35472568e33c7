import { Autocomplete, Group, Select, TextInput } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useClient, useLive } from '../server/server-context.tsx';
import { localZone } from '../words/moment.ts';
import type { WizardForm } from './wizard-form.ts';

interface TimeRangeProps {
  readonly form: WizardForm;
  readonly onChange: (part: Partial<WizardForm>) => void;
}

/** A column of times, both ends, and the zone they are meant in. */
export function TimeRange({ form, onChange }: TimeRangeProps) {
  const columns = useTimeColumns(form);
  const zones = [...new Set(['UTC', localZone(), ...Intl.supportedValuesOf('timeZone')])];
  return (
    <>
      <Group grow align="flex-start">
        <Autocomplete
          label="Column"
          description="Whether an index serves it, the plan shows"
          data={columns}
          value={form.time}
          onChange={(time) => onChange({ time })}
          required
        />
        <Select
          label="Zone"
          description="In which both ends are written"
          data={zones}
          value={form.zone}
          onChange={(zone) => onChange({ zone: zone ?? 'UTC' })}
          searchable
          limit={60}
          allowDeselect={false}
        />
      </Group>
      <Group grow align="flex-start">
        <TextInput
          label="From"
          description="Is in the range: 2026-01-01, 2026-01-01T12:30, or 7d"
          placeholder="2026-01-01"
          value={form.from}
          onChange={(event) => onChange({ from: event.currentTarget.value })}
        />
        <TextInput
          label="To"
          description="Is not in the range; empty means open"
          placeholder="2026-02-01"
          value={form.to}
          onChange={(event) => onChange({ to: event.currentTarget.value })}
        />
      </Group>
    </>
  );
}

/** Of the first collection in scope; with others the plan says whether they have it too. */
function useTimeColumns({ task, bindings }: WizardForm): readonly string[] {
  const client = useClient();
  const { status } = useLive();
  const first = bindings[0] ?? status?.captures.find(({ name }) => name === task)?.bindings[0]?.collection;
  const detail = useQuery({
    queryKey: ['collection', first],
    queryFn: () => client.collection(first ?? ''),
    enabled: first !== undefined,
  });
  return (detail.data?.schema?.columns ?? [])
    .filter(({ type }) => type.kind === 'timestamp' || type.kind === 'date')
    .map(({ name }) => name);
}
