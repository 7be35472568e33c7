import type { Run } from '@brimful/model';
import { Text } from '@mantine/core';
import { useEffect, useState } from 'react';
import { LineChart } from '../parts/line-chart.tsx';
import { useLive } from '../server/server-context.tsx';
import { latency } from '../capture/source-words.ts';
import { rowRate } from '../words/quantity.ts';
import { runProgress } from './run-progress.ts';

interface Sample {
  readonly at: number;
  readonly rate: number;
  readonly lookUpMilliseconds: number | null;
}

const SAMPLES_LIMIT = 600;
const EVERY_MILLISECONDS = 1000;

/** How fast the run reads, beside how long the source takes for a small look-up meanwhile, since the page was opened. */
export function RunRateChart({ run }: { readonly run: Run }) {
  const { status } = useLive();
  const [samples, setSamples] = useState<readonly Sample[]>([]);
  const rate = runProgress(run).rowsPerSecond;
  const capture = status?.captures.find(({ name }) => name === run.plan.request.task);
  const lookUp = capture?.load?.lookUpMilliseconds ?? null;
  const at = status?.at;
  useEffect(() => {
    if (at === undefined) return;
    const sample: Sample = { at, rate, lookUpMilliseconds: lookUp };
    setSamples((before) => {
      const last = before.at(-1);
      if (last !== undefined && at - last.at < EVERY_MILLISECONDS / 2) return before;
      return [...before.slice(-SAMPLES_LIMIT), sample];
    });
  }, [at, rate, lookUp]);
  if (samples.length < 2) {
    return (
      <Text size="sm" className="quiet" mt="sm">
        Measuring…
      </Text>
    );
  }
  return (
    <LineChart
      label="Rows read per second and how long the source takes for a look-up, since this page was opened"
      at={samples.map((sample) => sample.at)}
      height={150}
      lines={[
        { label: 'Rows read', values: samples.map((sample) => sample.rate), color: '#1c7ed6', text: rowRate },
        {
          label: 'A look-up at the source',
          values: samples.map((sample) => sample.lookUpMilliseconds),
          color: '#e8590c',
          text: latency,
          side: 'right',
        },
      ]}
    />
  );
}
