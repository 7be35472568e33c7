import { Alert, List, Select } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useNavigate, useSearch } from '@tanstack/react-router';
import { useMemo } from 'react';
import { EmptyState } from '../parts/empty-state.tsx';
import { Page } from '../parts/page.tsx';
import { WithStatus } from '../parts/with-status.tsx';
import { isActive, MODE_WORDS } from '../run/run-words.ts';
import { useClient, useLive } from '../server/server-context.tsx';
import { condensed } from './condensed.ts';
import type { FlowGraph } from './flow-graph.ts';
import { graphOf, overlaid } from './flow-graph.ts';
import { FlowView } from './flow-view.tsx';
import { impactNotes, impactWords } from './impact.ts';

const EVERYTHING = 'everything';
const HEIGHT = 'max(420px, calc(100vh - 250px))';

export function GraphPage() {
  const { status, runs } = useLive();
  const { run } = useSearch({ from: '/graph' });
  const graph = useMemo(
    () => (status === null ? { nodes: [], edges: [] } : graphOf(status, [...runs.values()])),
    [status, runs],
  );
  return (
    <WithStatus>
      {() => (
        <Page
          title="Graph"
          state={`${graph.nodes.length} nodes`}
          sentence="From sources over collections to destinations. What an active run touches is outlined."
          actions={<RunChoice chosen={run} />}
        >
          {graph.nodes.length === 0 ? (
            <EmptyState title="Nothing to draw">
              Sources and destinations appear here as soon as there are some.
            </EmptyState>
          ) : run === undefined ? (
            <FlowView label="Everything that flows" graph={condensed(graph)} height={HEIGHT} />
          ) : (
            <RunImpact id={run} graph={graph} />
          )}
        </Page>
      )}
    </WithStatus>
  );
}

/** Whose impact is shown: that of a run under way, or the one that was asked for. */
function RunChoice({ chosen }: { readonly chosen: string | undefined }) {
  const { runs } = useLive();
  const navigate = useNavigate();
  const choices = [...runs.values()].filter(({ id, state }) => isActive(state) || id === chosen);
  if (choices.length === 0) return null;
  return (
    <Select
      aria-label="Whose impact is shown"
      allowDeselect={false}
      w={300}
      data={[
        { value: EVERYTHING, label: 'Everything' },
        ...choices.map(({ id, mode, request }) => ({
          value: id,
          label: `${MODE_WORDS[mode]} of ${request.task}, ${id}`,
        })),
      ]}
      value={chosen ?? EVERYTHING}
      onChange={(value) =>
        void navigate({ to: '/graph', search: value === null || value === EVERYTHING ? {} : { run: value } })
      }
    />
  );
}

function RunImpact({ id, graph }: { readonly id: string; readonly graph: FlowGraph }) {
  const { status, runs } = useLive();
  const client = useClient();
  // Asked for once: what changes is in the live summary, and a plan never does.
  const { data } = useQuery({
    queryKey: ['run', id, 'impact'],
    queryFn: () => client.run(id),
    staleTime: Number.POSITIVE_INFINITY,
  });
  const notes = useMemo(() => (data === undefined ? null : impactNotes(data.plan)), [data?.plan.id]);
  if (data === undefined || notes === null)
    return <FlowView label="Everything that flows" graph={condensed(graph)} height={HEIGHT} />;
  return (
    <>
      <Alert variant="outline" color="gray" title={`Impact of ${id}: ${runs.get(id)?.state ?? data.state}`}>
        <List size="sm">
          {impactWords(data.plan, status).map((words) => (
            <List.Item key={words}>{words}</List.Item>
          ))}
        </List>
      </Alert>
      <FlowView
        label={`Impact of ${id}, as a graph`}
        graph={condensed(overlaid(graph, notes))}
        height={HEIGHT}
      />
    </>
  );
}
