import type { Alert, RuntimeStatus } from '@brimful/model';
import { asksForSomebody } from '@brimful/model';
import { Stack } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import { AlertList } from '../alert/alert-list.tsx';
import { openAlerts } from '../alert/alert-words.ts';
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

const SHOWN_ALERTS = 3;

export function OverviewPage() {
  return <WithStatus>{(status) => <Overview status={status} />}</WithStatus>;
}

function Overview({ status }: { readonly status: RuntimeStatus }) {
  const { runs, alerts } = useLive();
  const open = openAlerts(alerts);
  const { captures, materializations, disk } = status;
  // What an alert says already is not said again.
  const problems = problemsOf(status).filter(
    ({ problem }) => !open.some(({ sentence }) => sentence.includes(problem.message)),
  );
  const toLookAt = problems.length + open.filter((alert) => asksForSomebody(alert)).length;
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
    <Page title="Overview" state={toLookAt === 0 ? 'Healthy' : `${toLookAt} to look at`}>
      <Facts>
        <Fact name="Health" note={`${captures.length} sources, ${materializations.length} destinations`}>
          {toLookAt === 0 ? 'All is well' : `${toLookAt} to look at`}
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
      <OpenAlerts open={open} now={status.at} />
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

function OpenAlerts({ open, now }: { readonly open: readonly Alert[]; readonly now: number }) {
  if (open.length === 0) return null;
  const all = (
    <Link to="/alerts" className="plain">
      All alerts and the webhook
    </Link>
  );
  return (
    <Section title="Alerts" note={all}>
      <AlertList label="Open alerts" alerts={open} now={now} most={SHOWN_ALERTS} />
    </Section>
  );
}
