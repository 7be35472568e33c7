import { Skeleton } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useParams } from '@tanstack/react-router';
import { MomentText } from '../parts/moment-text.tsx';
import { Page } from '../parts/page.tsx';
import { ProblemNote } from '../parts/problem-note.tsx';
import { MODE_WORDS } from '../run/run-words.ts';
import { useClient } from '../server/server-context.tsx';
import { problemOf } from '../server/server-problem.ts';
import { PlanApproval } from './plan-approval.tsx';

/** A plan by its id: to show it to somebody before it is applied. */
export function PlanPage() {
  const { id } = useParams({ from: '/plans/$id' });
  const client = useClient();
  const plan = useQuery({ queryKey: ['plan', id], queryFn: () => client.findPlan(id) });
  if (plan.data === undefined) {
    return (
      <Page title={id}>
        {plan.error === null ? <Skeleton height={240} /> : <ProblemNote problem={problemOf(plan.error)} />}
      </Page>
    );
  }
  const { request, expiresAt } = plan.data;
  return (
    <Page
      title={`${MODE_WORDS[request.mode]} of ${request.task}`}
      state="Plan"
      above={<span className="quiet mono">{id}</span>}
      sentence={
        <>
          {request.reason} · can be applied until <MomentText at={expiresAt} />
        </>
      }
    >
      <PlanApproval plan={plan.data} word="Save and publish" />
    </Page>
  );
}
