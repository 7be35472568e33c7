import { Group, Paper, Select, Text, TextInput } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import { MODE_WORDS } from '../run/run-words.ts';

export type EditMode = 'reset' | 'incremental';

const MODES: readonly EditMode[] = ['reset', 'incremental'];
const MODE_NOTES: Readonly<Record<EditMode, string>> = {
  reset: 'Reads everything anew beside the live tables, and swaps it in when it is complete and verified.',
  incremental: 'Reads the tables again and merges what differs in place.',
};

interface BackfillChoiceProps {
  readonly task: string;
  readonly mode: EditMode;
  readonly reason: string;
  /** Stands for the reason when none is given. */
  readonly defaultReason: string;
  readonly onMode: (mode: EditMode) => void;
  readonly onReason: (reason: string) => void;
}

export function BackfillChoice(props: BackfillChoiceProps) {
  const { task, mode, reason, defaultReason, onMode, onReason } = props;
  return (
    <Paper withBorder p="md">
      <Group align="flex-end">
        <Select
          label="Backfill mode"
          allowDeselect={false}
          data={MODES.map((value) => ({ value, label: MODE_WORDS[value] }))}
          value={mode}
          onChange={(value) => onMode(value === 'incremental' ? 'incremental' : 'reset')}
          w={230}
        />
        <TextInput
          label="Why"
          placeholder={defaultReason}
          value={reason}
          onChange={(event) => onReason(event.currentTarget.value)}
          style={{ flex: 1, minWidth: 220 }}
        />
      </Group>
      <Text size="sm" className="quiet" mt="xs">
        {MODE_NOTES[mode]} Only some rows?{' '}
        <Link to="/backfill" search={{ task, mode: 'incremental' }} className="plain">
          Choose them in the wizard
        </Link>
        .
      </Text>
    </Paper>
  );
}
