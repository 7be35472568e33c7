import type { Run } from '@brimful/model';
import { Skeleton, Text } from '@mantine/core';
import { Link, useParams } from '@tanstack/react-router';
import { MomentText } from '../parts/moment-text.tsx';
import { NameLink } from '../parts/name-link.tsx';
import { Page } from '../parts/page.tsx';
import { ProblemNote } from '../parts/problem-note.tsx';
import { ProgressBar } from '../parts/progress-bar.tsx';
import { Section } from '../parts/section.tsx';
import { StateMark } from '../parts/state-mark.tsx';
import { PlanGuards } from '../plan/plan-guards.tsx';
import { PlanStages } from '../plan/plan-stages.tsx';
import { problemOf } from '../server/server-problem.ts';
import { useRun } from '../server/use-run.ts';
import { percent } from '../words/quantity.ts';
import { RunEvents } from './run-events.tsx';
import { RunFacts } from './run-facts.tsx';
import { runProgress } from './run-progress.ts';
import { RunTables } from './run-tables.tsx';
import { RunVerbs } from './run-verbs.tsx';
import { canThrottle, MODE_WORDS, scopeWords, stagesDone } from './run-words.ts';
import { ThrottleControl } from './throttle-control.tsx';
import { VerificationReports } from './verification-reports.tsx';

export function RunPage() {
  const { id } = useParams({ from: '/runs/$id' });
  const run = useRun(id);
  if (run.data !== undefined) return <RunView run={run.data} />;
  return (
    <Page title={id}>
      {run.error === null ? <Skeleton height={320} /> : <ProblemNote problem={problemOf(run.error)} />}
    </Page>
  );
}

function RunView({ run }: { readonly run: Run }) {
  const { plan, state, because, bindings } = run;
  const { request } = plan;
  const progress = runProgress(run);
  const problems = bindings.flatMap(({ collection, problem }) =>
    problem === null ? [] : [{ collection, problem }],
  );
  return (
    <Page
      title={`${MODE_WORDS[run.mode]} of ${request.task}`}
      state={state === 'running' ? percent(progress.done) : state}
      above={<span className="quiet mono">{run.id}</span>}
      sentence={
        <>
          <StateMark state={state} label={because === null ? state : `${state}: ${because}`} />
          {run.intent !== null && ` · ${run.intent} was asked for`}
        </>
      }
      actions={<RunVerbs run={run} />}
    >
      <Text size="sm">
        “{request.reason}” · {request.author}, <MomentText at={run.createdAt} /> · {scopeWords(request.scope)}{' '}
        ·{' '}
        <NameLink kind={run.mode === 'materialization' ? 'materialization' : 'capture'} name={request.task} />{' '}
        ·{' '}
        <Link to="/graph" search={{ run: run.id }} className="plain">
          impact
        </Link>
        {run.undoUntil !== null && (
          <>
            {' '}
            · can be undone until <MomentText at={run.undoUntil} />
          </>
        )}
      </Text>
      <ProgressBar wide done={progress.done} tone={toneOf(run)} label="The whole run" />
      <RunFacts run={run} />
      {problems.slice(0, 5).map(({ collection, problem }) => (
        <ProblemNote key={collection} problem={problem} title={`${collection} failed`} />
      ))}
      <Section title="Tables">
        <RunTables run={run} />
      </Section>
      {canThrottle(state) && <ThrottleControl run={run} />}
      <VerificationReports run={run} />
      <Section title="Stages" note="As the plan promised them.">
        <PlanStages stages={plan.stages} isDone={stagesDone(run)} />
      </Section>
      <Section title="Events" note="The newest first.">
        <RunEvents events={run.events} />
      </Section>
      <Section
        title="Guards"
        note={`What was known when it was applied, and confirmed by ${request.author}.`}
      >
        <PlanGuards guards={plan.guards} acknowledged={new Set()} />
      </Section>
    </Page>
  );
}

function toneOf({ state }: Run): 'busy' | 'wait' | 'bad' | 'good' {
  if (state === 'failed' || state === 'cancelled' || state === 'expired') return 'bad';
  if (state === 'paused' || state === 'window closed' || state === 'interrupted' || state === 'throttled')
    return 'wait';
  return state === 'done' || state === 'swapped' ? 'good' : 'busy';
}
