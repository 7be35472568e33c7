import { Radio, Stack, TextInput, Group } from '@mantine/core';
import type { WizardForm } from './wizard-form.ts';

interface OptionsStepProps {
  readonly form: WizardForm;
  readonly onChange: (part: Partial<WizardForm>) => void;
}

/** How carefully, how fast, when; and why. */
export function OptionsStep({ form, onChange }: OptionsStepProps) {
  const isRebuild = form.mode !== 'incremental';
  return (
    <Stack pt="sm" maw={720}>
      <TextInput
        label="Why"
        description="Stands in the history of the run."
        placeholder="prices were imported wrongly in March"
        value={form.reason}
        onChange={(event) => onChange({ reason: event.currentTarget.value })}
        required
      />
      <Group grow align="flex-start">
        <TextInput
          label="Throttle"
          description="Like 20MB/s. Empty: the governor alone"
          value={form.rate}
          onChange={(event) => onChange({ rate: event.currentTarget.value })}
        />
        {isRebuild && (
          <TextInput
            label="Undo window"
            description="How long it can be taken back: 24h, or 0. Empty: as in the settings"
            value={form.undo}
            onChange={(event) => onChange({ undo: event.currentTarget.value })}
          />
        )}
      </Group>
      <TextInput
        label="Window"
        description="Reads only then: cron, how long, zone. Empty: always"
        placeholder="0 22 * * * 8h Europe/Berlin"
        value={form.window}
        onChange={(event) => onChange({ window: event.currentTarget.value })}
      />
      {form.mode !== 'materialization' && (
        <Radio.Group
          label="Rows that the source no longer has"
          value={form.missingRows}
          onChange={(value) => onChange({ missingRows: value === 'keep' ? 'keep' : 'remove' })}
        >
          <Group mt="xs">
            <Radio value="remove" label="Remove them" />
            <Radio value="keep" label="Keep them" />
          </Group>
        </Radio.Group>
      )}
      <Radio.Group
        label="Verification"
        value={form.verify}
        onChange={(value) => onChange({ verify: value === 'counts' ? 'counts' : 'full' })}
      >
        <Group mt="xs">
          <Radio value="full" label="Compare every row" />
          <Radio value="counts" label="Count rows" />
        </Group>
      </Radio.Group>
    </Stack>
  );
}
