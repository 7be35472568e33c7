import { useComputedColorScheme } from '@mantine/core';
import { useNavigate } from '@tanstack/react-router';
import { Background, Controls, ReactFlow } from '@xyflow/react';
import '@xyflow/react/dist/style.css';
import { useMemo } from 'react';
import type { FlowGraph } from './flow-graph.ts';
import { withPlaces } from './flow-graph.ts';
import { FlowNode } from './flow-node.tsx';
import { nodePlaces } from './flow-places.ts';

/** Of many tables some can be read, rather than all be seen. */
const FIT = { minZoom: 0.4, maxZoom: 1 };
const NODE_TYPES = { flow: FlowNode };
const PAGES = {
  capture: '/sources/$name',
  collection: '/collections/$name',
  materialization: '/destinations/$name',
} as const;

interface FlowViewProps {
  readonly label: string;
  readonly graph: FlowGraph;
  /** As in CSS. */
  readonly height: string;
}

/** A graph to move about in; a click leads to the page of what is clicked. */
export function FlowView({ label, graph, height }: FlowViewProps) {
  const scheme = useComputedColorScheme('light');
  const navigate = useNavigate();
  const shape = graph.nodes.map(({ id }) => id).join('|');
  // Placed anew only when something comes or goes: a graph that jumps every second cannot be read.
  const places = useMemo(() => nodePlaces(graph), [shape]);
  return (
    <div
      role="group"
      aria-label={label}
      style={{
        height,
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
        fitViewOptions={FIT}
        minZoom={0.05}
        nodesDraggable={false}
        nodesConnectable={false}
        onlyRenderVisibleElements
        onNodeClick={(_event, { data }) => {
          if (data.name !== '') void navigate({ to: PAGES[data.kind], params: { name: data.name } });
        }}
      >
        <Background />
        <Controls showInteractive={false} />
      </ReactFlow>
    </div>
  );
}
