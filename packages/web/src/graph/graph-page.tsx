import { useComputedColorScheme } from '@mantine/core';
import { Background, Controls, ReactFlow } from '@xyflow/react';
import '@xyflow/react/dist/style.css';
import { useNavigate } from '@tanstack/react-router';
import { useMemo } from 'react';
import { EmptyState } from '../parts/empty-state.tsx';
import { Page } from '../parts/page.tsx';
import { WithStatus } from '../parts/with-status.tsx';
import { useLive } from '../server/server-context.tsx';
import { FlowNode } from './flow-node.tsx';
import { graphOf, nodePlaces, withPlaces } from './flow-graph.ts';

const NODE_TYPES = { flow: FlowNode };
const PAGES = {
  capture: '/sources/$name',
  collection: '/collections/$name',
  materialization: '/destinations/$name',
} as const;

export function GraphPage() {
  const { status, runs } = useLive();
  const scheme = useComputedColorScheme('light');
  const navigate = useNavigate();
  const graph = useMemo(
    () => (status === null ? { nodes: [], edges: [] } : graphOf(status, [...runs.values()])),
    [status, runs],
  );
  const shape = graph.nodes.map(({ id }) => id).join('|');
  // Placed anew only when something comes or goes: a graph that jumps every second cannot be read.
  const places = useMemo(() => nodePlaces(graph), [shape]);
  return (
    <WithStatus>
      {() => (
        <Page
          title="Graph"
          state={`${graph.nodes.length} nodes`}
          sentence="From sources over collections to destinations. What an active run touches is outlined."
        >
          {graph.nodes.length === 0 ? (
            <EmptyState title="Nothing to draw">
              Sources and destinations appear here as soon as there are some.
            </EmptyState>
          ) : (
            <div
              style={{
                height: 'calc(100vh - 190px)',
                minHeight: 420,
                border: '1px solid var(--mantine-color-default-border)',
                borderRadius: 'var(--mantine-radius-md)',
              }}
            >
              <ReactFlow
                nodes={withPlaces(graph.nodes, places)}
                edges={[...graph.edges]}
                nodeTypes={NODE_TYPES}
                colorMode={scheme}
                fitView
                minZoom={0.1}
                nodesDraggable={false}
                nodesConnectable={false}
                onlyRenderVisibleElements
                onNodeClick={(_event, { data }) =>
                  void navigate({ to: PAGES[data.kind], params: { name: data.name } })
                }
              >
                <Background />
                <Controls showInteractive={false} />
              </ReactFlow>
            </div>
          )}
        </Page>
      )}
    </WithStatus>
  );
}
