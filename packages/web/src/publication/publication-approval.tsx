import type { CatalogChange, Publication, PublicationPlan } from '@brimful/model';
import { Alert, Button, Group, Loader, Paper, Stack, Text } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { useState } from 'react';
import { NameLink } from '../parts/name-link.tsx';
import { ProblemNote } from '../parts/problem-note.tsx';
import { StateMark } from '../parts/state-mark.tsx';
import { useClient, useLive } from '../server/server-context.tsx';
import { problemOf } from '../server/server-problem.ts';
import type { Applying } from './apply-publication.ts';
import { applied } from './apply-publication.ts';
import { hindranceOf, PublicationPlanView } from './publication-plan-view.tsx';

interface PublicationApprovalProps {
  readonly plan: PublicationPlan;
  readonly onJump?: (line: number, column: number) => void;
  readonly onApplied?: (publication: Publication) => void;
  readonly actions?: ReactNode;
}

/** A plan, the button that publishes it, and what became of it. */
export function PublicationApproval({ plan, onJump, onApplied, actions }: PublicationApprovalProps) {
  const client = useClient();
  const queries = useQueryClient();
  const [progress, setProgress] = useState<Applying>('asked');
  const applying = useMutation({
    mutationFn: () => applied(client, plan, setProgress),
    onSuccess: async (publication) => {
      onApplied?.(publication);
      await Promise.all([
        queries.invalidateQueries({ queryKey: ['catalog'] }),
        queries.invalidateQueries({ queryKey: ['publications'] }),
      ]);
    },
  });
  if (applying.data !== undefined) return <Published publication={applying.data} />;
  const hindrance = hindranceOf(plan);
  return (
    <Stack gap="md">
      <PublicationPlanView plan={plan} onJump={onJump} />
      {applying.error !== null && <ProblemNote problem={problemOf(applying.error)} />}
      {applying.isPending && <OnItsWay progress={progress} />}
      <Paper withBorder p="md" pos="sticky" bottom={12} style={{ zIndex: 2 }}>
        <Group justify="space-between">
          <Text size="sm" role="status">
            {hindrance ?? 'Ready. It is refused if the file is changed by somebody else before.'}
          </Text>
          <Group>
            {actions}
            <Button
              disabled={hindrance !== null}
              loading={applying.isPending}
              onClick={() => applying.mutate()}
            >
              Save and publish
            </Button>
          </Group>
        </Group>
      </Paper>
    </Stack>
  );
}

const PROGRESS_WORDS: Readonly<Record<Applying, string>> = {
  asked: 'Brimful writes the file and starts what it says. What is not touched by it runs on.',
  applying: 'The file is written. Brimful is starting what it says.',
  silent: 'Brimful does not answer at this moment: it may be starting again. This page asks until it does.',
};

function OnItsWay({ progress }: { readonly progress: Applying }) {
  return (
    <Alert variant="outline" color="gray" role="status" icon={<Loader size="xs" />}>
      {PROGRESS_WORDS[progress]}
    </Alert>
  );
}

/** What was published, and how what it touched is now: live, so that a start that fails is seen here. */
export function Published({ publication }: { readonly publication: Publication }) {
  return (
    <Alert
      variant="outline"
      color="green"
      role="status"
      title={`Published as number ${publication.number}`}
      styles={{ title: { color: 'var(--mantine-color-text)' } }}
    >
      <Stack gap="xs">
        <TouchedTasks changes={publication.changes} />
        <Text size="sm">
          <Link to="/publications/$number" params={{ number: String(publication.number) }} className="plain">
            See the publication
          </Link>
        </Text>
      </Stack>
    </Alert>
  );
}

function TouchedTasks({ changes }: { readonly changes: readonly CatalogChange[] }) {
  const { status, connection } = useLive();
  const names = new Set(changes.flatMap(({ task }) => (task === null ? [] : [task])));
  if (connection !== 'live' || status === null) {
    return (
      <Text size="sm">
        Brimful does not answer at this moment. What it does shows here as soon as it does.
      </Text>
    );
  }
  const touched = [
    ...status.captures.map((task) => ({ ...task, kind: 'capture' as const })),
    ...status.materializations.map((task) => ({ ...task, kind: 'materialization' as const })),
  ].filter(({ name }) => names.has(name));
  const gone = [...names].filter((name) => !touched.some((task) => task.name === name));
  return (
    <>
      {touched.map(({ kind, name, state, sentence }) => (
        <Text key={`${kind} ${name}`} size="sm" component="div">
          <NameLink kind={kind} name={name} />:{' '}
          <StateMark state={state} label={sentence === '' ? state : sentence} />
        </Text>
      ))}
      {gone.map((name) => (
        <Text key={name} size="sm">
          {name}: {wasRemoved(changes, name) ? 'removed' : 'not running yet'}
        </Text>
      ))}
    </>
  );
}

function wasRemoved(changes: readonly CatalogChange[], name: string): boolean {
  return changes.some(({ action, subject }) => action === 'remove' && subject === name);
}
