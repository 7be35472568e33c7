import type { RuntimeStatus, SourceLoadStatus } from '@brimful/model';
import { Gauge } from 'prom-client';
import type { Registry } from 'prom-client';

interface Measured {
  readonly name: string;
  readonly help: string;
  /** Null: not known, and then absent. */
  value(load: SourceLoadStatus): number | null;
}

const MEASURED: readonly Measured[] = [
  {
    name: 'brimful_source_read_bytes_per_second',
    help: 'Read from the source now, by all first reads, runs and verifications together',
    value: ({ bytesPerSecond }) => bytesPerSecond,
  },
  {
    name: 'brimful_source_ceiling_bytes_per_second',
    help: 'What may be read from the source now',
    value: ({ ceilingBytesPerSecond }) => ceilingBytesPerSecond,
  },
  {
    name: 'brimful_source_strain',
    help: 'The most strained signal of the source over its limit; from 0.7 on less is read',
    value: ({ strain }) => strain,
  },
  {
    name: 'brimful_source_look_up_seconds',
    help: '90th percentile of a small look-up at the source; absent while it is not measured',
    value: ({ lookUpMilliseconds }) => inSeconds(lookUpMilliseconds),
  },
  {
    name: 'brimful_source_look_up_baseline_seconds',
    help: '90th percentile of a small look-up at the source while nothing is read',
    value: ({ baselineMilliseconds }) => inSeconds(baselineMilliseconds),
  },
  {
    name: 'brimful_source_retained_bytes',
    help: 'Log that the source keeps for the capture, when it last said',
    value: ({ health }) => health?.retainedBytes ?? null,
  },
  {
    name: 'brimful_source_headroom_bytes',
    help: 'Log that the source would keep besides before it gives up, when it last said',
    value: ({ health }) => health?.headroomBytes ?? null,
  },
  {
    name: 'brimful_source_active_sessions',
    help: 'Sessions at work at the source, ours not counted, when it last said',
    value: ({ health }) => health?.activeSessions ?? null,
  },
  {
    name: 'brimful_source_replica_lag_seconds',
    help: 'How far the slowest replica of the source is behind, when it last said',
    value: ({ health }) => inSeconds(health?.replicaLagMilliseconds ?? null),
  },
];

/** What reading costs each source, and what stops it. */
export function sourceMetrics(registers: Registry[]): (status: RuntimeStatus) => void {
  const gauges = MEASURED.map(({ name, help, value }) => ({
    value,
    gauge: new Gauge({ name, help, labelNames: ['task'], registers }),
  }));
  const gates = new Gauge({
    name: 'brimful_source_gate_closed',
    help: '1 for everything that stops reading the source now',
    labelNames: ['task', 'gate', 'owner'],
    registers,
  });
  return ({ captures }) => {
    for (const { gauge } of gauges) gauge.reset();
    gates.reset();
    for (const { name: task, load } of captures) {
      if (load === undefined) continue;
      for (const { gauge, value } of gauges) {
        const found = value(load);
        if (found !== null) gauge.set({ task }, found);
      }
      for (const { gate, owner } of load.gates) gates.set({ task, gate, owner }, 1);
    }
  };
}

function inSeconds(milliseconds: number | null): number | null {
  return milliseconds === null ? null : milliseconds / 1000;
}
