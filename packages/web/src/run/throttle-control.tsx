import type { Run } from '@brimful/model';
import { Button, Group, Paper, Slider, Text } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { ProblemNote } from '../parts/problem-note.tsx';
import { Section } from '../parts/section.tsx';
import { useClient } from '../server/server-context.tsx';
import { problemOf } from '../server/server-problem.ts';
import { byteRate } from '../words/quantity.ts';
import { RunRateChart } from './run-rate-chart.tsx';

/** Bytes a second that the slider's marks stand for; null at its end: the governor alone decides. */
const STEPS: readonly (number | null)[] = [1e6, 2e6, 5e6, 1e7, 2e7, 5e7, 1e8, 2e8, null];

function rateWords(rate: number | null): string {
  return rate === null ? 'Governor alone' : byteRate(rate);
}

/** Where the slider stands for a rate that may lie between its marks. */
function stepOf(rate: number | null): number {
  const last = STEPS.length - 1;
  if (rate === null) return last;
  const step = STEPS.findIndex((mark) => mark !== null && mark >= rate);
  return step < 0 ? last - 1 : step;
}

/** How fast the source may be read, now; the chart shows what it does. */
export function ThrottleControl({ run }: { readonly run: Run }) {
  const set = run.throttle.bytesPerSecond;
  const [step, setStep] = useState<number | null>(null);
  const shown = step ?? stepOf(set);
  const wanted = step === null ? set : (STEPS[step] ?? null);
  const client = useClient();
  const queries = useQueryClient();
  const ordering = useMutation({
    mutationFn: () =>
      client.order(run.id, {
        verb: 'throttle',
        throttle: { bytesPerSecond: wanted, readers: run.throttle.readers },
      }),
    onSuccess: (next) => {
      queries.setQueryData(['run', run.id], next);
      setStep(null);
    },
  });
  return (
    <Section
      title="Throttle"
      note="Reading goes no faster than this. The governor still slows it when the source is busy."
    >
      <Paper withBorder p="md">
        <Group align="center" wrap="nowrap" gap="lg">
          <Slider
            style={{ flex: 1 }}
            min={0}
            max={STEPS.length - 1}
            step={1}
            value={shown}
            label={null}
            thumbLabel="Throttle"
            thumbProps={{ 'aria-valuetext': rateWords(wanted) }}
            onChange={setStep}
          />
          <Text size="sm" w={120} ta="right">
            {rateWords(wanted)}
          </Text>
          <Button
            variant="default"
            disabled={wanted === set}
            loading={ordering.isPending}
            onClick={() => ordering.mutate()}
          >
            Set
          </Button>
        </Group>
        {ordering.error !== null && <ProblemNote problem={problemOf(ordering.error)} />}
        <RunRateChart run={run} />
      </Paper>
    </Section>
  );
}
