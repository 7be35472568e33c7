import type { AlertList } from '@brimful/api';
import { Alert, Button, Code, Text } from '@mantine/core';
import { useMutation, useQuery } from '@tanstack/react-query';
import { EmptyState } from '../parts/empty-state.tsx';
import { Fact, Facts } from '../parts/fact.tsx';
import { ProblemNote } from '../parts/problem-note.tsx';
import { Section } from '../parts/section.tsx';
import { StateMark } from '../parts/state-mark.tsx';
import { useClient } from '../server/server-context.tsx';
import { problemOf } from '../server/server-problem.ts';
import { count } from '../words/quantity.ts';

const REFRESH_MILLISECONDS = 5000;
const SEVERITY_WORDS = {
  info: 'all alerts',
  warning: 'warnings and worse',
  critical: 'critical alerts',
} as const;

/** How things stand with the webhook, and a way to try it. */
export function WebhookCard() {
  const client = useClient();
  const asked = useQuery({
    queryKey: ['alerts'],
    queryFn: () => client.alerts(),
    refetchInterval: REFRESH_MILLISECONDS,
  });
  if (asked.data === undefined) {
    return asked.error === null ? null : <ProblemNote problem={problemOf(asked.error)} />;
  }
  const { webhook } = asked.data;
  return (
    <Section
      title="Webhook"
      note="Where alerts are sent as they are raised and as they end."
      {...(webhook === null ? {} : { actions: <TestButton onDone={() => void asked.refetch()} /> })}
    >
      {webhook === null ? (
        <EmptyState
          title="Alerts are sent nowhere"
          actions={<Code>{'alerts: { webhook: ${ALERT_WEBHOOK_URL} }'}</Code>}
        >
          Set an address in the configuration and publish it; a chat program's incoming webhook will do.
        </EmptyState>
      ) : (
        <WebhookFacts webhook={webhook} />
      )}
    </Section>
  );
}

function WebhookFacts({ webhook }: { readonly webhook: NonNullable<AlertList['webhook']> }) {
  const { origin, isSigned, from, waiting, delivered, failed, last } = webhook;
  const state = last === null ? 'idle' : last.ok ? 'ok' : 'error';
  return (
    <Facts>
      <Fact name="Sent to" note={isSigned ? 'signed' : 'not signed: set alerts.secret'}>
        <span className="mono" style={{ fontSize: 'var(--mantine-font-size-sm)', overflowWrap: 'anywhere' }}>
          {origin}
        </span>
      </Fact>
      <Fact name="Is told of">{SEVERITY_WORDS[from]}</Fact>
      <Fact name="Last attempt" note={last?.error ?? undefined}>
        <StateMark state={state} label={last === null ? 'none yet' : last.ok ? 'taken' : 'not taken'} />
      </Fact>
      <Fact name="Waiting" note="tried again by itself">
        {count(waiting)}
      </Fact>
      <Fact name="Attempts" note="since the start">
        {count(delivered)} taken, {count(failed)} not
      </Fact>
    </Facts>
  );
}

function TestButton({ onDone }: { readonly onDone: () => void }) {
  const client = useClient();
  const test = useMutation({ mutationFn: () => client.testAlerts(), onSettled: onDone });
  return (
    <div role="status">
      {test.data?.state === 'delivered' && (
        <Text span size="sm" mr="sm">
          The test was taken in {test.data.milliseconds} ms.
        </Text>
      )}
      {test.data !== undefined && test.data.state !== 'delivered' && (
        <Text span size="sm" mr="sm">
          The test was not taken: <Code>{test.data.error}</Code>
        </Text>
      )}
      {test.error !== null && (
        <Alert color="red" p="xs" mb="xs">
          {problemOf(test.error).message}
        </Alert>
      )}
      <Button size="compact-sm" variant="default" loading={test.isPending} onClick={() => test.mutate()}>
        Send a test
      </Button>
    </div>
  );
}
