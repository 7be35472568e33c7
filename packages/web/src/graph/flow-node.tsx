import type { NodeProps } from '@xyflow/react';
import { Handle, Position } from '@xyflow/react';
import { StateMark } from '../parts/state-mark.tsx';
import type { FlowNodeType } from './flow-graph.ts';
import classes from './flow-node.module.css';

export function FlowNode({ data }: NodeProps<FlowNodeType>) {
  return (
    <div
      className={classes.node}
      data-kind={data.kind}
      data-touched={data.touched || undefined}
      data-muted={data.muted || undefined}
    >
      {data.kind !== 'capture' && (
        <Handle type="target" position={Position.Left} className={classes.handle ?? ''} />
      )}
      <StateMark state={data.muted ? 'untouched' : data.state} label={data.label} />
      <span className={classes.note}>{data.note}</span>
      {data.kind !== 'materialization' && (
        <Handle type="source" position={Position.Right} className={classes.handle ?? ''} />
      )}
    </div>
  );
}
