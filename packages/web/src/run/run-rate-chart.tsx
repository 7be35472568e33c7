import type { Run } from '@brimful/model';
import { Text } from '@mantine/core';
import { useEffect, useState } from 'react';
import { LineChart } from '../parts/line-chart.tsx';
import { useLive } from '../server/server-context.tsx';
import { duration, rowRate } from '../words/quantity.ts';
import { runProgress } from './run-progress.ts';

interface Sample {
  readonly at: number;
  readonly rate: number;
  readonly lagSeconds: number | null;
}

const SAMPLES_LIMIT = 600;
const EVERY_MILLISECONDS = 1000;

/** How fast the run reads beside how far the capture is behind, since the page was opened. */
export function RunRateChart({ run }: { readonly run: Run }) {
  const { status } = useLive();
  const [samples, setSamples] = useState<readonly Sample[]>([]);
  const rate = runProgress(run).rowsPerSecond;
  const capture = status?.captures.find(({ name }) => name === run.plan.request.task);
  const lag = capture?.lagMilliseconds;
  const at = status?.at;
  useEffect(() => {
    if (at === undefined) return;
    const sample: Sample = { at, rate, lagSeconds: lag === undefined ? null : lag / 1000 };
    setSamples((before) => {
      const last = before.at(-1);
      if (last !== undefined && at - last.at < EVERY_MILLISECONDS / 2) return before;
      return [...before.slice(-SAMPLES_LIMIT), sample];
    });
  }, [at, rate, lag]);
  if (samples.length < 2) {
    return (
      <Text size="sm" className="quiet" mt="sm">
        Measuring…
      </Text>
    );
  }
  return (
    <LineChart
      label="Rows read per second and the lag of the capture, since this page was opened"
      at={samples.map((sample) => sample.at)}
      height={150}
      lines={[
        { label: 'Rows read', values: samples.map((sample) => sample.rate), color: '#1c7ed6', text: rowRate },
        {
          label: 'Lag of the capture',
          values: samples.map((sample) => sample.lagSeconds),
          color: '#e8590c',
          text: duration,
          side: 'right',
        },
      ]}
    />
  );
}
