import type { BackfillPlan, CaptureStatus } from '@brimful/model';
import { Alert, Button, Group, Loader, Stack, Text } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { useParams } from '@tanstack/react-router';
import { useState } from 'react';
import { EmptyState } from '../parts/empty-state.tsx';
import { NameLink } from '../parts/name-link.tsx';
import { Page } from '../parts/page.tsx';
import { ProblemNote } from '../parts/problem-note.tsx';
import { Section } from '../parts/section.tsx';
import { WithStatus } from '../parts/with-status.tsx';
import { PlanApproval } from '../plan/plan-approval.tsx';
import { MODE_WORDS } from '../run/run-words.ts';
import { useClient } from '../server/server-context.tsx';
import { problemOf } from '../server/server-problem.ts';
import type { EditMode } from './backfill-choice.tsx';
import { BackfillChoice } from './backfill-choice.tsx';
import { TargetCollections } from './target-collections.tsx';

export function EditPage() {
  const { name } = useParams({ from: '/sources/$name/edit' });
  return (
    <WithStatus>
      {({ captures }) => {
        const capture = captures.find((candidate) => candidate.name === name);
        return capture === undefined ? (
          <Page title={`Edit ${name}`}>
            <EmptyState title="No such source">Nothing of this name is captured.</EmptyState>
          </Page>
        ) : (
          <EditCapture capture={capture} />
        );
      }}
    </WithStatus>
  );
}

/** The short way to a backfill: choose tables, see the plan, publish. The wizard has all that can be chosen. */
function EditCapture({ capture }: { readonly capture: CaptureStatus }) {
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const [mode, setMode] = useState<EditMode>('reset');
  const [reason, setReason] = useState('');
  const client = useClient();
  const all = capture.bindings.length;
  const defaultReason = `${MODE_WORDS[mode]} of ${chosen.size === all ? 'all' : chosen.size === 0 ? 'the marked' : chosen.size} tables, asked for in the browser`;
  const planning = useMutation({
    mutationFn: (): Promise<BackfillPlan> =>
      client.plan({
        mode,
        task: capture.name,
        reason: reason.trim() === '' ? defaultReason : reason,
        ...(chosen.size === all ? {} : { bindings: [...chosen] }),
      }),
  });
  const change = (set: () => void): void => {
    set();
    // A plan of something else must not be published.
    planning.reset();
  };
  return (
    <Page
      title={`Edit ${capture.name}`}
      above={
        <span className="quiet">
          <NameLink kind="capture" name={capture.name} label="Back to the source" />
        </span>
      }
    >
      <Section title="Target collections" note="Mark what is to be read again.">
        <BackfillChoice
          task={capture.name}
          mode={mode}
          reason={reason}
          defaultReason={defaultReason}
          onMode={(next) => change(() => setMode(next))}
          onReason={(next) => change(() => setReason(next))}
        />
        <TargetCollections
          bindings={capture.bindings}
          chosen={chosen}
          onChoose={(next) => change(() => setChosen(next))}
        />
      </Section>
      {planning.data === undefined && (
        <Group>
          <Button disabled={chosen.size === 0} loading={planning.isPending} onClick={() => planning.mutate()}>
            Preview plan
          </Button>
          <Text size="sm" className="quiet">
            {chosen.size === 0
              ? 'Nothing is marked yet.'
              : `${chosen.size} of ${all} tables marked. Nothing changes yet.`}
          </Text>
        </Group>
      )}
      <Planned planning={planning} />
    </Page>
  );
}

interface PlannedProps {
  readonly planning: {
    readonly isPending: boolean;
    readonly error: Error | null;
    readonly data: BackfillPlan | undefined;
  };
}

function Planned({ planning: { isPending, error, data } }: PlannedProps) {
  if (isPending) {
    return (
      <Alert variant="outline" color="gray" icon={<Loader size="xs" />} role="status">
        Looking at the source and the destinations. Nothing is changed.
      </Alert>
    );
  }
  if (error !== null) return <ProblemNote problem={problemOf(error)} />;
  if (data === undefined) return null;
  return (
    <Section title="Plan preview" note={<span className="mono">{data.id}</span>}>
      <Stack gap="lg">
        <PlanApproval plan={data} word="Save and publish" />
      </Stack>
    </Section>
  );
}
