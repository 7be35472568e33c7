import type { Run, RunVerb } from '@brimful/model';
import { Button, Group, Modal, Stack, Text, TextInput } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { ProblemNote } from '../parts/problem-note.tsx';
import { useClient } from '../server/server-context.tsx';
import { problemOf } from '../server/server-problem.ts';
import { verbsOf } from './run-words.ts';

const LABELS: Readonly<Partial<Record<RunVerb, string>>> = {
  pause: 'Pause',
  resume: 'Resume',
  cancel: 'Cancel',
  retry: 'Retry',
  undo: 'Undo',
  redo: 'Redo',
};

/** What happens, for those that are not taken back by the next click. */
const ASKED: Readonly<Partial<Record<RunVerb, string>>> = {
  cancel: 'What was built so far is removed. The live tables stay as they are.',
  undo: 'The generation before is swapped back in, everywhere at once. It was kept current all the time.',
  redo: 'What this run built is swapped in again.',
};

export function RunVerbs({ run }: { readonly run: Run }) {
  const [asked, setAsked] = useState<RunVerb | null>(null);
  const [why, setWhy] = useState('');
  const client = useClient();
  const queries = useQueryClient();
  const ordering = useMutation({
    mutationFn: (verb: RunVerb) => client.order(run.id, { verb, why: why.trim() === '' ? null : why }),
    onSuccess: (next) => {
      queries.setQueryData(['run', run.id], next);
      setAsked(null);
      setWhy('');
    },
  });
  const press = (verb: RunVerb): void => {
    ordering.reset();
    if (ASKED[verb] === undefined) ordering.mutate(verb);
    else setAsked(verb);
  };
  const label = asked === null ? '' : `${LABELS[asked]} ${run.id}`;
  return (
    <Stack gap="xs" align="flex-end">
      <Group gap="xs">
        {verbsOf(run).map((verb) => (
          <Button
            key={verb}
            variant={verb === 'resume' || verb === 'retry' ? 'filled' : 'default'}
            loading={ordering.isPending && ordering.variables === verb}
            onClick={() => press(verb)}
          >
            {LABELS[verb]}
          </Button>
        ))}
      </Group>
      {ordering.error !== null && asked === null && <ProblemNote problem={problemOf(ordering.error)} />}
      <Modal
        opened={asked !== null}
        onClose={() => setAsked(null)}
        title={label}
        closeButtonProps={{ 'aria-label': 'Close' }}
      >
        <Stack>
          <Text size="sm">{asked === null ? '' : ASKED[asked]}</Text>
          <TextInput
            label="Why"
            value={why}
            onChange={(event) => setWhy(event.currentTarget.value)}
            data-autofocus
          />
          {ordering.error !== null && <ProblemNote problem={problemOf(ordering.error)} />}
          <Group justify="flex-end">
            <Button variant="default" onClick={() => setAsked(null)}>
              Leave it
            </Button>
            <Button
              color="red"
              loading={ordering.isPending}
              onClick={() => {
                if (asked !== null) ordering.mutate(asked);
              }}
            >
              {asked === null ? '' : `${LABELS[asked]} the run`}
            </Button>
          </Group>
        </Stack>
      </Modal>
    </Stack>
  );
}
