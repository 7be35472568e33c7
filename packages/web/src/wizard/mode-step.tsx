import { Radio, Stack, Table, Text } from '@mantine/core';
import type { WizardForm } from './wizard-form.ts';

interface ModeStepProps {
  readonly form: WizardForm;
  readonly onChange: (part: Partial<WizardForm>) => void;
}

const CHOICES = [
  {
    wish: 'everything of a source to be right again, whatever is wrong',
    use: 'Dataflow reset',
    what: 'Reads all rows anew beside the live tables, compares them with the source, swaps them in at once. Can be undone.',
    part: { mode: 'reset', rows: 'all' },
  },
  {
    wish: 'rows of some days, some keys, or all of them read again in place',
    use: 'Incremental backfill',
    what: 'Reads only what is in scope and merges what differs into the live tables. Reads and writes the least.',
    part: { mode: 'incremental', rows: 'time' },
  },
  {
    wish: 'a destination table rebuilt, the collection itself is right',
    use: 'Materialization backfill',
    what: 'Builds the table from the collection and swaps it in. The source is not touched. Can be undone.',
    part: { mode: 'materialization', rows: 'all' },
  },
] as const satisfies readonly { readonly part: Partial<WizardForm>; readonly [name: string]: unknown }[];

export function ModeStep({ form, onChange }: ModeStepProps) {
  return (
    <Stack gap="lg" pt="sm">
      <Radio.Group
        label="If I want …"
        value={form.mode}
        onChange={(mode) => {
          const choice = CHOICES.find(({ part }) => part.mode === mode);
          if (choice !== undefined) onChange({ ...choice.part, task: null, bindings: [] });
        }}
      >
        <Stack mt="xs">
          {CHOICES.map(({ wish, use, what, part }) => (
            <Radio
              key={use}
              value={part.mode}
              label={`${wish}: use ${use}`}
              description={what}
              styles={{ description: { color: 'var(--brimful-quiet)' } }}
            />
          ))}
        </Stack>
      </Radio.Group>
      <Comparison />
    </Stack>
  );
}

function Comparison() {
  return (
    <Table.ScrollContainer minWidth={520}>
      <Table verticalSpacing={6} withTableBorder>
        <Table.Thead>
          <Table.Tr>
            <Table.Th>
              <span className="for-screen-readers">Question</span>
            </Table.Th>
            <Table.Th>Dataflow reset</Table.Th>
            <Table.Th>Incremental backfill</Table.Th>
            <Table.Th>Materialization backfill</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          <Answers question="Reads the source" answers={['all rows', 'rows in scope', 'no']} />
          <Answers
            question="Readers meanwhile see"
            answers={['the old rows, then all new', 'rows as they are mended', 'the old rows, then all new']}
          />
          <Answers
            question="Needs space for"
            answers={['a second copy', 'next to nothing', 'a second table']}
          />
          <Answers question="Can be undone" answers={['yes', 'no', 'yes']} />
        </Table.Tbody>
      </Table>
    </Table.ScrollContainer>
  );
}

function Answers({ question, answers }: { readonly question: string; readonly answers: readonly string[] }) {
  return (
    <Table.Tr>
      <Table.Th scope="row">{question}</Table.Th>
      {answers.map((answer, index) => (
        <Table.Td key={index}>
          <Text size="sm">{answer}</Text>
        </Table.Td>
      ))}
    </Table.Tr>
  );
}
