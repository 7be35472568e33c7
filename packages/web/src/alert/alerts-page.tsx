import { SegmentedControl } from '@mantine/core';
import { useState } from 'react';
import { EmptyState } from '../parts/empty-state.tsx';
import { Page } from '../parts/page.tsx';
import { Section } from '../parts/section.tsx';
import { WithStatus } from '../parts/with-status.tsx';
import { useLive } from '../server/server-context.tsx';
import { AlertList } from './alert-list.tsx';
import { alertCount, openAlerts, pastAlerts } from './alert-words.ts';
import { WebhookCard } from './webhook-card.tsx';

const SEVERITIES: Readonly<Record<string, readonly string[]>> = {
  All: ['critical', 'warning', 'info'],
  'Warnings and worse': ['critical', 'warning'],
  Critical: ['critical'],
};
const PAST_SHOWN = 50;

export function AlertsPage() {
  return <WithStatus>{({ at }) => <Alerts now={at} />}</WithStatus>;
}

function Alerts({ now }: { readonly now: number }) {
  const [wanted, setWanted] = useState('All');
  const { alerts } = useLive();
  const { count } = alertCount(alerts);
  const isWanted = ({ severity }: { readonly severity: string }): boolean =>
    SEVERITIES[wanted]?.includes(severity) ?? true;
  const open = openAlerts(alerts).filter(isWanted);
  const past = pastAlerts(alerts).filter(isWanted);
  return (
    <Page
      title="Alerts"
      state={count === 0 ? 'none ask for you' : `${count} open`}
      sentence="What somebody should know without having looked."
      actions={
        <SegmentedControl
          aria-label="Which alerts"
          size="xs"
          data={Object.keys(SEVERITIES)}
          value={wanted}
          onChange={setWanted}
        />
      }
    >
      <Section title="Open" note="The worst first. Each ends by itself, or when somebody has seen it.">
        {open.length === 0 ? (
          <EmptyState title="Nothing is wrong">
            Lag, failures, a full disk, changes of shape, ended runs and differences appear here.
          </EmptyState>
        ) : (
          <AlertList label="Open alerts" alerts={open} now={now} />
        )}
      </Section>
      <WebhookCard />
      {past.length > 0 && (
        <Section title="Over">
          <AlertList label="Alerts that are over" alerts={past} now={now} most={PAST_SHOWN} />
        </Section>
      )}
    </Page>
  );
}
