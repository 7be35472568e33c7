import type { Settings } from '@brimful/api';
import { Code, Skeleton } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { MomentText } from '../parts/moment-text.tsx';
import { Page } from '../parts/page.tsx';
import { ProblemNote } from '../parts/problem-note.tsx';
import { Section } from '../parts/section.tsx';
import { useClient } from '../server/server-context.tsx';
import { problemOf } from '../server/server-problem.ts';
import { bytes, duration } from '../words/quantity.ts';
import { AccessSection } from './access-section.tsx';
import { SettingRows } from './setting-rows.tsx';
import { WindowSection } from './window-section.tsx';

const REFRESH_MILLISECONDS = 10_000;

export function SettingsPage() {
  const client = useClient();
  const asked = useQuery({
    queryKey: ['settings'],
    queryFn: () => client.settings(),
    refetchInterval: REFRESH_MILLISECONDS,
  });
  if (asked.data !== undefined) return <SettingsView settings={asked.data} />;
  return (
    <Page title="Settings">
      {asked.error === null ? <Skeleton height={300} /> : <ProblemNote problem={problemOf(asked.error)} />}
    </Page>
  );
}

function SettingsView({ settings }: { readonly settings: Settings }) {
  const { file, startedAt } = settings;
  return (
    <Page
      title="Settings"
      sentence={
        <>
          In force since <MomentText at={startedAt} />, from <Code>{file}</Code>. What is changed there holds
          once it is published, or after a new start of <Code>brimful up</Code>; address, access and data
          directory only after a new start. Throttles are changed while a run goes on, on its page.
        </>
      }
    >
      <AccessSection settings={settings} />
      <AlertSection settings={settings} />
      <RoomSection settings={settings} />
      <BackfillSection settings={settings} />
      <WindowSection />
    </Page>
  );
}

function AlertSection({ settings: { alerts } }: { readonly settings: Settings }) {
  const { webhook } = alerts;
  return (
    <Section
      title="Alerts"
      note={
        <Link to="/alerts" className="plain">
          Alerts, what became of sending them, and a test
        </Link>
      }
    >
      <SettingRows
        settings={[
          {
            name: 'Webhook',
            field: 'alerts.webhook, alerts.secret',
            value: webhook === null ? 'none' : webhook.origin,
            note:
              webhook === null
                ? 'Alerts are only shown.'
                : `${webhook.isSigned ? 'Signed' : 'Not signed'}; the rest of the address is not shown.`,
          },
          {
            name: 'Told of',
            field: 'alerts.from',
            value: alerts.from === 'info' ? 'all alerts' : `${alerts.from} and worse`,
          },
          {
            name: 'Lag of a stream or table',
            field: 'alerts.lag',
            value: duration(alerts.lagMilliseconds / 1000),
          },
          {
            name: 'Log that a source keeps',
            field: 'alerts.retainedLog',
            value: bytes(alerts.retainedLogBytes),
          },
          {
            name: 'No progress',
            field: 'alerts.stalled',
            value: duration(alerts.stalledMilliseconds / 1000),
            note: 'Although there is work, or without a connection.',
          },
          { name: 'Free on the disk', field: 'alerts.diskFree', value: bytes(alerts.diskFreeBytes) },
        ]}
      />
    </Section>
  );
}

function RoomSection({ settings: { limits, dataDirectory } }: { readonly settings: Settings }) {
  const { diskFreeBytes, diskUsedBytes, memoryBytes, retentionMilliseconds } = limits;
  return (
    <Section title="Disk, memory and history">
      <SettingRows
        settings={[
          {
            name: 'Data directory',
            field: 'dataDirectory',
            value: <span className="mono">{dataDirectory}</span>,
          },
          {
            name: 'Disk guard',
            field: 'limits.diskFree',
            value: bytes(diskFreeBytes),
            note: 'Captures pause while less is free.',
          },
          {
            name: 'Most on the disk',
            field: 'limits.diskUsed',
            value: diskUsedBytes === null ? 'no limit' : bytes(diskUsedBytes),
          },
          { name: 'Memory for data in flight', field: 'limits.memory', value: bytes(memoryBytes) },
          {
            name: 'Retention',
            field: 'limits.retention',
            value:
              retentionMilliseconds === null ? 'all history is kept' : duration(retentionMilliseconds / 1000),
            note: 'History that every destination has is forgotten after this.',
          },
        ]}
      />
    </Section>
  );
}

function BackfillSection({ settings: { backfill } }: { readonly settings: Settings }) {
  const { undo, prices } = backfill;
  const price = (amount: number): string => `${amount} ${prices?.currency ?? ''}`;
  return (
    <Section title="Backfills">
      <SettingRows
        settings={[
          {
            name: 'Undo window',
            field: 'backfill.undo',
            value: undo === '0' ? 'none' : undo,
            note: 'How long a reset or rebuild can be taken back, unless its plan says otherwise.',
          },
          ...(prices === null
            ? [
                {
                  name: 'Prices',
                  field: 'backfill.prices',
                  value: 'none',
                  note: 'Plans say rows, bytes and time, and no price.',
                },
              ]
            : [
                {
                  name: 'Read from a source',
                  field: 'backfill.prices.sourceReadPerGb',
                  value: `${price(prices.sourceReadPerGb)} per GB`,
                },
                {
                  name: 'Written to a destination',
                  field: 'backfill.prices.destinationWritePer…',
                  value: `${price(prices.destinationWritePerGb)} per GB, ${price(prices.destinationWritePerMillionRows)} per million rows`,
                },
                {
                  name: 'Kept for a month',
                  field: 'backfill.prices.storagePerGbMonth',
                  value: `${price(prices.storagePerGbMonth)} per GB`,
                },
              ]),
        ]}
      />
    </Section>
  );
}
