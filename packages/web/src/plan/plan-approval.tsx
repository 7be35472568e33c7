import type { BackfillPlan } from '@brimful/model';
import { Button, Group, Paper, Stack, Text, TextInput } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { useState } from 'react';
import { ProblemNote } from '../parts/problem-note.tsx';
import { useClient } from '../server/server-context.tsx';
import { problemOf } from '../server/server-problem.ts';
import { PlanView } from './plan-view.tsx';

/** Guards behind which rows or the way back are lost: a click is too quick for these. */
const DESTRUCTIVE: ReadonlySet<string> = new Set(['no-undo', 'delete-limit', 'undo-limited']);

interface PlanApprovalProps {
  readonly plan: BackfillPlan;
  /** What stands on the button. */
  readonly word: string;
  readonly actions?: ReactNode;
}

/** A plan, what has to be confirmed about it, and the button that starts it. */
export function PlanApproval({ plan, word, actions }: PlanApprovalProps) {
  const [acknowledged, setAcknowledged] = useState<ReadonlySet<string>>(new Set(plan.request.acknowledged));
  const [typed, setTyped] = useState('');
  const client = useClient();
  const queries = useQueryClient();
  const navigate = useNavigate();
  const applying = useMutation({
    mutationFn: () => client.apply(plan.id, [...acknowledged]),
    onSuccess: async (run) => {
      queries.setQueryData(['run', run.id], run);
      await navigate({ to: '/runs/$id', params: { id: run.id } });
    },
  });
  const onAcknowledge = (id: string, accepted: boolean): void =>
    setAcknowledged(
      (before) => new Set([...before].filter((other) => other !== id).concat(accepted ? [id] : [])),
    );
  const isDestructive = isDestructivePlan(plan);
  const missing = missingOf(plan, acknowledged, !isDestructive || typed === plan.request.task);
  return (
    <>
      <PlanView plan={plan} acknowledged={acknowledged} onAcknowledge={onAcknowledge} />
      <Paper withBorder p="md" pos="sticky" bottom={12} style={{ zIndex: 2 }}>
        <Stack gap="xs">
          {isDestructive && (
            <TextInput
              label={`There is no way back from this. Type ${plan.request.task} to confirm`}
              value={typed}
              onChange={(event) => setTyped(event.currentTarget.value)}
              maw={420}
            />
          )}
          {applying.error !== null && <ProblemNote problem={problemOf(applying.error)} />}
          <Group justify="space-between">
            <Text size="sm" role="status">
              {missing ?? 'Ready. The live tables stay as they are until everything is verified.'}
            </Text>
            <Group>
              {actions}
              <Button
                disabled={missing !== null}
                loading={applying.isPending}
                onClick={() => applying.mutate()}
              >
                {word}
              </Button>
            </Group>
          </Group>
        </Stack>
      </Paper>
    </>
  );
}

function isDestructivePlan({ guards }: BackfillPlan): boolean {
  return guards.some(({ id, level }) => level === 'confirm' && DESTRUCTIVE.has(id));
}

/** Why it cannot start yet; null when it can. */
function missingOf(plan: BackfillPlan, acknowledged: ReadonlySet<string>, isTyped: boolean): string | null {
  const blocking = plan.guards.filter(({ level }) => level === 'block').length;
  if (blocking > 0) return 'Something blocks this plan: see the guards.';
  const open = new Set(
    plan.guards.filter(({ id, level }) => level === 'confirm' && !acknowledged.has(id)).map(({ id }) => id),
  );
  if (open.size > 0)
    return `${open.size} ${open.size === 1 ? 'guard wants' : 'guards want'} to be confirmed.`;
  return isTyped ? null : 'Type the name to confirm.';
}
