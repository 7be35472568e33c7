import type { CaptureStatus } from '@brimful/model';
import { Button } from '@mantine/core';
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
import { TaskRuns } from '../run/task-runs.tsx';
import { rowsPerSecondOf, tablesDone } from '../sources/capture-words.ts';
import { byteRate, bytes, count, lag, rowRate } from '../words/quantity.ts';
import { CaptureTables } from './capture-tables.tsx';
import { SourceLoad } from './source-load.tsx';

export function CapturePage() {
  const { name } = useParams({ from: '/sources/$name' });
  return (
    <WithStatus>
      {({ captures }) => {
        const capture = captures.find((candidate) => candidate.name === name);
        if (capture !== undefined) return <CaptureView capture={capture} />;
        return (
          <Page title={name}>
            <EmptyState title="No such source">
              Nothing of this name is captured. It may have been removed.
            </EmptyState>
          </Page>
        );
      }}
    </WithStatus>
  );
}

function CaptureView({ capture }: { readonly capture: CaptureStatus }) {
  const { name, bindings, problem } = capture;
  const bytesPerSecond = bindings.reduce((sum, binding) => sum + binding.bytesPerSecond, 0);
  const journal = bindings.reduce((sum, binding) => sum + binding.journal.bytes, 0);
  return (
    <Page
      title={name}
      state={capture.state}
      above={<span className="quiet">Source · {capture.connector}</span>}
      sentence={
        <StateMark state={capture.state} label={capture.sentence === '' ? capture.state : capture.sentence} />
      }
      actions={
        <>
          <Button component={Link} to="/backfill" search={{ task: name } as never} variant="default">
            Backfill…
          </Button>
          <Button component={Link} to="/sources/$name/edit" params={{ name } as never}>
            Edit
          </Button>
        </>
      }
    >
      {problem !== undefined && <ProblemNote problem={problem} />}
      <Facts>
        <Fact name="Tables" note="first read complete">
          {tablesDone(capture)} / {bindings.length}
        </Fact>
        <Fact name="Rate" note={byteRate(bytesPerSecond)}>
          {rowRate(rowsPerSecondOf(capture))}
        </Fact>
        <Fact
          name="Lag"
          note={capture.lagBytes === undefined ? undefined : `${bytes(capture.lagBytes)} of log`}
        >
          {lag(capture.lagMilliseconds)}
        </Fact>
        <Fact name="Changes" note="since the start">
          {count(capture.changes)}
        </Fact>
        <Fact name="Journals" note="on this machine">
          {bytes(journal)}
        </Fact>
      </Facts>
      <TaskRuns task={name} />
      <Section title="Tables">
        <CaptureTables capture={name} bindings={bindings} />
      </Section>
      <SourceLoad capture={capture} />
      <Section title="Usage over time" note="The last hour, as far as Brimful was running.">
        <UsageChart kind="capture" name={name} />
        <LagChart kind="capture" name={name} />
      </Section>
      <TaskLogs task={name} />
    </Page>
  );
}
