import type { BackfillPlan } from '@brimful/model';
import { List } from '@mantine/core';
import { useMemo } from 'react';
import { FlowView } from '../graph/flow-view.tsx';
import { impactGraph, impactWords } from '../graph/impact.ts';
import { useLive } from '../server/server-context.tsx';

const ROW_PIXELS = 66;
const LOWEST_PIXELS = 220;
const HIGHEST_PIXELS = 620;

/** What the run reads, rebuilds and swaps, as a picture and as words; the rest is grey. */
export function PlanImpact({ plan }: { readonly plan: BackfillPlan }) {
  const { status } = useLive();
  // Which tables there are changes seldom; the status is new every second.
  const shape = status?.captures.map(({ name, bindings }) => `${name} ${bindings.length}`).join('|');
  const graph = useMemo(() => impactGraph(plan, status), [plan, shape]);
  const rows = Math.max(
    ...(['collection', 'materialization'] as const).map(
      (kind) => graph.nodes.filter(({ data }) => data.kind === kind).length,
    ),
  );
  const height = Math.max(LOWEST_PIXELS, Math.min(HIGHEST_PIXELS, rows * ROW_PIXELS));
  return (
    <>
      <FlowView label="Impact of this backfill, as a graph" graph={graph} height={`${height}px`} />
      <List size="sm" withPadding aria-label="Impact of this backfill">
        {impactWords(plan, status).map((words) => (
          <List.Item key={words}>{words}</List.Item>
        ))}
      </List>
    </>
  );
}
