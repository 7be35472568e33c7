import type { MaterializationStatus } from '@brimful/model';
import { Button } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { Link, useParams } from '@tanstack/react-router';
import { EmptyState } from '../parts/empty-state.tsx';
import { Fact, Facts } from '../parts/fact.tsx';
import { TaskLogs } from '../logs/task-logs.tsx';
import { Page } from '../parts/page.tsx';
import { ProblemNote } from '../parts/problem-note.tsx';
import { Section } from '../parts/section.tsx';
import { StateMark } from '../parts/state-mark.tsx';
import { LagChart, UsageChart } from '../parts/usage-chart.tsx';
import { WithStatus } from '../parts/with-status.tsx';
import { useClient } from '../server/server-context.tsx';
import { problemOf } from '../server/server-problem.ts';
import { bytes, count, lag, rowRate } from '../words/quantity.ts';
import { DestinationTables } from './destination-tables.tsx';

export function MaterializationPage() {
  const { name } = useParams({ from: '/destinations/$name' });
  return (
    <WithStatus>
      {({ materializations }) => {
        const found = materializations.find((candidate) => candidate.name === name);
        if (found !== undefined) return <MaterializationView materialization={found} />;
        return (
          <Page title={name}>
            <EmptyState title="No such destination">Nothing of this name is materialized.</EmptyState>
          </Page>
        );
      }}
    </WithStatus>
  );
}

function MaterializationView({ materialization }: { readonly materialization: MaterializationStatus }) {
  const { name, connector, state, sentence, waiting, bindings, problem } = materialization;
  const behind = bindings.reduce((sum, { next, offset }) => sum + Math.max(0, next - offset), 0);
  const client = useClient();
  const verifying = useMutation({ mutationFn: () => client.verify(name) });
  return (
    <Page
      title={name}
      state={state}
      above={<span className="quiet">Destination · {connector}</span>}
      sentence={<StateMark state={state} label={waiting ?? (sentence === '' ? state : sentence)} />}
      actions={
        <>
          <Button variant="default" loading={verifying.isPending} onClick={() => verifying.mutate()}>
            Verify
          </Button>
          <Button component={Link} to="/destinations/$name/edit" params={{ name } as never} variant="default">
            Edit
          </Button>
          <Button component={Link} to={`/backfill?task=${encodeURIComponent(name)}&mode=materialization`}>
            Backfill…
          </Button>
        </>
      }
    >
      {problem !== undefined && <ProblemNote problem={problem} />}
      {verifying.error !== null && <ProblemNote problem={problemOf(verifying.error)} />}
      <Facts>
        <Fact name="Rows written" note="since the start">
          {count(materialization.rowsWritten)}
        </Fact>
        <Fact name="Bytes written">
          {bytes(bindings.reduce((sum, { bytesWritten }) => sum + bytesWritten, 0))}
        </Fact>
        <Fact name="Rate">{rowRate(materialization.rowsPerSecond)}</Fact>
        <Fact name="Lag" note={`${count(behind)} journal entries`}>
          {lag(materialization.lagMilliseconds)}
        </Fact>
        <Fact name="Tables live">
          {bindings.filter(({ phase }) => phase === 'live').length} / {bindings.length}
        </Fact>
      </Facts>
      <Section title="Destination tables">
        <DestinationTables materialization={materialization} />
      </Section>
      <Section title="Usage over time" note="The last hour, as far as Brimful was running.">
        <UsageChart kind="materialization" name={name} />
        <LagChart kind="materialization" name={name} />
      </Section>
      <TaskLogs task={name} />
    </Page>
  );
}
