import type { BackfillPlan, CaptureStatus } from '@brimful/model';
import { Alert, Button, Group, Loader, Stack, Tabs, Text } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { useNavigate, useParams, useSearch } from '@tanstack/react-router';
import { useState } from 'react';
import { LazyTaskEditor } from '../catalog/lazy-task-editor.tsx';
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

/** What a link into the page has chosen already. */
export interface EditStart {
  readonly tab?: 'configuration';
}

export function EditPage() {
  const { name } = useParams({ from: '/sources/$name/edit' });
  const { tab = 'collections' } = useSearch({ from: '/sources/$name/edit' });
  const navigate = useNavigate();
  return (
    <Page title={`Edit ${name}`} above={<NameLink kind="capture" name={name} label="Back to the source" />}>
      <Tabs
        value={tab}
        keepMounted={false}
        onChange={(next) =>
          void navigate({
            to: '/sources/$name/edit',
            params: { name },
            search: next === 'configuration' ? { tab: next } : {},
          })
        }
      >
        <Tabs.List mb="lg">
          <Tabs.Tab value="collections">Target collections</Tabs.Tab>
          <Tabs.Tab value="configuration">Configuration</Tabs.Tab>
        </Tabs.List>
        <Tabs.Panel value="collections">
          <Backfilling name={name} />
        </Tabs.Panel>
        <Tabs.Panel value="configuration">
          <Stack gap="lg">
            <LazyTaskEditor kind="capture" name={name} />
          </Stack>
        </Tabs.Panel>
      </Tabs>
    </Page>
  );
}

function Backfilling({ name }: { readonly name: string }) {
  return (
    <WithStatus>
      {({ captures }) => {
        const capture = captures.find((candidate) => candidate.name === name);
        return capture === undefined ? (
          <EmptyState title="No such source">Nothing of this name is captured.</EmptyState>
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
    <Stack gap="lg">
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
    </Stack>
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
