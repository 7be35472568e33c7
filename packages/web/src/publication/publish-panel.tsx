import type { Publication, PublicationPlan } from '@brimful/model';
import { Alert, Button, Checkbox, Group, Loader, Stack, TextInput } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { useEffect, useState } from 'react';
import type { EditorMark } from '../catalog/yaml-editor.tsx';
import type { CatalogDraft } from '../catalog/use-catalog-draft.ts';
import { ProblemNote } from '../parts/problem-note.tsx';
import { Section } from '../parts/section.tsx';
import { useClient } from '../server/server-context.tsx';
import { problemOf } from '../server/server-problem.ts';
import { PublicationApproval, Published } from './publication-approval.tsx';

interface PublishPanelProps {
  readonly draft: CatalogDraft;
  /** Stands for the reason when none is given. */
  readonly defaultReason: string;
  readonly onJump: (line: number, column: number) => void;
  /** What the plan said about lines of the text. */
  readonly onMarks: (marks: readonly EditorMark[]) => void;
}

/** From an edited text to what publishing it would do, and on to doing it. */
export function PublishPanel({ draft, defaultReason, onJump, onMarks }: PublishPanelProps) {
  const [reason, setReason] = useState('');
  const [unchecked, setUnchecked] = useState(false);
  const [published, setPublished] = useState<Publication | null>(null);
  const client = useClient();
  const { text } = draft.current;
  const { revision } = draft.base;
  const planning = useMutation({
    mutationFn: (asked: string) =>
      client.planPublication({
        text: asked,
        reason: reason.trim() === '' ? defaultReason : reason,
        base: revision,
        unchecked,
      }),
  });
  const plan = planning.variables === text ? planning.data : undefined;
  const { reset } = planning;
  useEffect(() => {
    // A plan of something else must not be published.
    reset();
    onMarks([]);
  }, [text, unchecked, reason, reset, onMarks]);
  const preview = (): void =>
    planning.mutate(text, {
      // Not called any more when the text was changed meanwhile.
      onSuccess: (planned) => {
        setPublished(null);
        onMarks(marksOf(planned));
      },
    });
  const isWorthIt = draft.isChanged || draft.base.changedOnDisk;
  return (
    <Section title="Publish" note="Nothing changes before you publish. You see first what will happen.">
      <Group align="flex-end">
        <TextInput
          label="Why"
          placeholder={defaultReason}
          value={reason}
          onChange={(event) => setReason(event.currentTarget.value)}
          style={{ flex: 1, minWidth: 220 }}
        />
        <Button
          variant={plan === undefined ? 'filled' : 'default'}
          disabled={!isWorthIt || !draft.current.isReadable}
          loading={planning.isPending}
          onClick={preview}
        >
          {plan === undefined ? 'Preview changes' : 'Preview again'}
        </Button>
      </Group>
      {(isStuck(plan) || unchecked) && <Unchecked isOn={unchecked} onChange={setUnchecked} />}
      <Stack gap="md" aria-live="polite">
        <Planning isPending={planning.isPending} error={planning.error} />
        {published !== null && <Published publication={published} />}
        {plan !== undefined && published === null && (
          <PublicationApproval
            key={plan.id}
            plan={plan}
            onJump={onJump}
            onApplied={(applied) => {
              setPublished(applied);
              draft.settle();
            }}
          />
        )}
      </Stack>
    </Section>
  );
}

interface UncheckedProps {
  readonly isOn: boolean;
  readonly onChange: (isOn: boolean) => void;
}

function Unchecked({ isOn, onChange }: UncheckedProps) {
  return (
    <Checkbox
      label="Plan without connecting: what cannot be reached now is started all the same, and waits"
      checked={isOn}
      onChange={(event) => onChange(event.currentTarget.checked)}
    />
  );
}

function Planning({ isPending, error }: { readonly isPending: boolean; readonly error: Error | null }) {
  if (error !== null) return <ProblemNote problem={problemOf(error)} />;
  if (!isPending) return null;
  return (
    <Alert variant="outline" color="gray" icon={<Loader size="xs" />} role="status">
      Comparing it with what runs, and trying new connections. Nothing is changed.
    </Alert>
  );
}

function marksOf({ problems }: PublicationPlan): readonly EditorMark[] {
  return problems.flatMap(({ line, column, message }): EditorMark[] =>
    line === null ? [] : [{ line, column, message, level: 'error' }],
  );
}

/** Something could not be reached, or keeps it from being published. */
function isStuck(plan: PublicationPlan | undefined): boolean {
  return (
    plan !== undefined && (plan.blocked.length > 0 || plan.findings.some(({ level }) => level === 'error'))
  );
}
