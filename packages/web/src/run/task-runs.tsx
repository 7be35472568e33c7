import { Group, Paper, Text } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import { ProgressBar } from '../parts/progress-bar.tsx';
import { StateMark } from '../parts/state-mark.tsx';
import { useLive } from '../server/server-context.tsx';
import { duration } from '../words/quantity.ts';
import { isActive, MODE_WORDS } from './run-words.ts';

/** Runs under way, of one task or of all: a line each, that leads to the run. */
export function TaskRuns({ task }: { readonly task?: string }) {
  const { runs } = useLive();
  const mine = [...runs.values()].filter(
    ({ request, state }) => isActive(state) && (task === undefined || request.task === task),
  );
  return mine.map((run) => (
    <Paper key={run.id} withBorder px="md" py="xs">
      <Group justify="space-between">
        <Group gap="lg">
          <StateMark state={run.state} />
          <Link to="/runs/$id" params={{ id: run.id }} className="plain">
            {MODE_WORDS[run.mode]} of {run.request.task}
          </Link>
          <Text size="sm" className="quiet">
            {run.request.reason}
          </Text>
        </Group>
        <Group gap="lg">
          <ProgressBar done={run.done} label={`Progress of ${run.id}`} />
          <Text size="sm">{run.etaSeconds === null ? '' : `${duration(run.etaSeconds)} left`}</Text>
        </Group>
      </Group>
    </Paper>
  ));
}
