import type { RuntimeStatus } from '@brimful/model';
import { Stack } from '@mantine/core';
import { FirstSteps } from '../parts/first-steps.tsx';
import { Fact, Facts } from '../parts/fact.tsx';
import { Page } from '../parts/page.tsx';
import { Section } from '../parts/section.tsx';
import { WithStatus } from '../parts/with-status.tsx';
import { TaskRuns } from '../run/task-runs.tsx';
import { isActive } from '../run/run-words.ts';
import { useLive } from '../server/server-context.tsx';
import { rowsPerSecondOf } from '../sources/capture-words.ts';
import { byteRate, bytes, rowRate } from '../words/quantity.ts';
import { Freshness } from './freshness.tsx';
import { ProblemList, problemsOf } from './problem-list.tsx';

export function OverviewPage() {
  return <WithStatus>{(status) => <Overview status={status} />}</WithStatus>;
}

function Overview({ status }: { readonly status: RuntimeStatus }) {
  const { runs } = useLive();
  const { captures, materializations, disk } = status;
  const problems = problemsOf(status);
  const active = [...runs.values()].filter(({ state }) => isActive(state)).length;
  const written = materializations.reduce((sum, { rowsPerSecond }) => sum + rowsPerSecond, 0);
  const bytesRead = captures
    .flatMap(({ bindings }) => bindings)
    .reduce((sum, { bytesPerSecond }) => sum + bytesPerSecond, 0);
  if (captures.length === 0 && materializations.length === 0) {
    return (
      <Page title="Overview" state="empty">
        <FirstSteps title="Nothing flows yet" />
      </Page>
    );
  }
  return (
    <Page title="Overview" state={problems.length === 0 ? 'Healthy' : `${problems.length} problems`}>
      <Facts>
        <Fact name="Health" note={`${captures.length} sources, ${materializations.length} destinations`}>
          {problems.length === 0 ? 'All is well' : `${problems.length} to look at`}
        </Fact>
        <Fact name="Read" note={byteRate(bytesRead)}>
          {rowRate(captures.reduce((sum, capture) => sum + rowsPerSecondOf(capture), 0))}
        </Fact>
        <Fact name="Written">{rowRate(written)}</Fact>
        <Fact name="Active runs">{active}</Fact>
        <Fact
          name="Disk"
          note={
            disk.paused
              ? 'captures pause: too little is free'
              : `${bytes(disk.freeBytes)} free, pauses below ${bytes(disk.limitBytes)}`
          }
        >
          {bytes(disk.usedBytes)}
        </Fact>
      </Facts>
      {active > 0 && (
        <Section title="Active runs">
          <Stack gap="xs">
            <TaskRuns />
          </Stack>
        </Section>
      )}
      {problems.length > 0 && (
        <Section title="To look at">
          <ProblemList problems={problems} />
        </Section>
      )}
      <Section title="Freshness" note="How old what readers see is, the worst first.">
        <Freshness materializations={materializations} />
      </Section>
    </Page>
  );
}
