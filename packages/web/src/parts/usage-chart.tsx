import { Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useClient } from '../server/server-context.tsx';
import { problemOf } from '../server/server-problem.ts';
import { byteRate, duration, rowRate } from '../words/quantity.ts';
import { LineChart } from './line-chart.tsx';
import { ProblemNote } from './problem-note.tsx';

const REFRESH_MILLISECONDS = 5000;
const BLUE = '#1c7ed6';
const ORANGE = '#e8590c';
const GREEN = '#2f9e44';

interface UsageChartProps {
  readonly kind: 'capture' | 'materialization';
  readonly name: string;
}

/** What a task moved over the last hour, and how far behind it was. */
export function UsageChart({ kind, name }: UsageChartProps) {
  const client = useClient();
  const usage = useQuery({
    queryKey: ['usage'],
    queryFn: () => client.usage(),
    refetchInterval: REFRESH_MILLISECONDS,
  });
  if (usage.error !== null && usage.data === undefined)
    return <ProblemNote problem={problemOf(usage.error)} />;
  const series = usage.data?.series.find((one) => one.kind === kind && one.name === name);
  if (usage.data === undefined || series === undefined || usage.data.at.length < 2) {
    return (
      <Text size="sm" className="quiet">
        Nothing to draw yet: usage is measured while Brimful runs.
      </Text>
    );
  }
  const { at, everyMilliseconds } = usage.data;
  const perSecond = (amount: number): number => (amount * 1000) / everyMilliseconds;
  return (
    <LineChart
      label={`Rows per second, bytes per second and lag of ${name} over the last hour`}
      at={at}
      lines={[
        { label: 'Rows', values: series.rows.map(perSecond), color: BLUE, text: rowRate },
        { label: 'Bytes', values: series.bytes.map(perSecond), color: GREEN, text: byteRate, side: 'right' },
      ]}
    />
  );
}

/** Lag has a scale of its own: put beside rates it would hide them. */
export function LagChart({ kind, name }: UsageChartProps) {
  const client = useClient();
  const usage = useQuery({
    queryKey: ['usage'],
    queryFn: () => client.usage(),
    refetchInterval: REFRESH_MILLISECONDS,
  });
  const series = usage.data?.series.find((one) => one.kind === kind && one.name === name);
  if (usage.data === undefined || series === undefined || usage.data.at.length < 2) return null;
  return (
    <LineChart
      label={`Lag of ${name} over the last hour`}
      at={usage.data.at}
      height={130}
      lines={[
        {
          label: 'Lag',
          values: series.lagMilliseconds.map((lag) => (lag === null ? null : lag / 1000)),
          color: ORANGE,
          text: duration,
        },
      ]}
    />
  );
}
