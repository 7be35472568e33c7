import type {
  SourceGate,
  SourceHealthStatus,
  SourceLoadStatus,
  SourceReading,
  SourceSignal,
} from '@brimful/model';
import { z } from 'zod';

const known = z.number().nullable();

const signal: z.ZodType<SourceSignal> = z.object({
  name: z.string(),
  value: z.number(),
  limit: z.number(),
  unit: z.string(),
});

const gate: z.ZodType<SourceGate> = z.object({
  gate: z.string(),
  owner: z.enum(['operator', 'source', 'machine', 'governor']),
  reason: z.string(),
  since: z.number(),
});

const health: z.ZodType<SourceHealthStatus> = z
  .object({
    at: z.number(),
    retainedBytes: known.meta({ description: 'Log that the source keeps for us.' }),
    headroomBytes: known.meta({ description: 'How much more it would keep before it gives up.' }),
    replicaLagBytes: known,
    replicaLagMilliseconds: known,
    activeSessions: known,
    processors: known,
    blockedByUs: known,
    oldestSnapshotAge: known.meta({ description: 'In transactions.' }),
  })
  .meta({ id: 'SourceHealth' });

const reading: z.ZodType<SourceReading> = z.object({
  token: z.string().meta({ description: 'A run, `first reads`, or a verification.' }),
  state: z.enum(['free', 'throttled', 'paused', 'window closed', 'gated']),
  reason: z.string().nullable().meta({ description: 'Why it does not read as fast as it can.' }),
  bytesPerSecond: z.number(),
  openReaders: z.number(),
});

export const sourceLoad: z.ZodType<SourceLoadStatus> = z
  .object({
    at: z.number(),
    bytesPerSecond: z.number(),
    ceilingBytesPerSecond: z.number(),
    streamedBytesPerSecond: z.number(),
    readers: z.number(),
    strain: known.meta({ description: 'The most strained signal over its limit; from 0.7 on less is read.' }),
    signals: z.array(signal),
    lookUpMilliseconds: known.meta({ description: '90th percentile of a small look-up, now.' }),
    baselineMilliseconds: known.meta({ description: 'The same while nothing is read.' }),
    probe: z.enum(['heard', 'unknown', 'not needed']),
    health: health.nullable(),
    gates: z.array(gate).meta({ description: 'What stops all reading now.' }),
    readings: z.array(reading),
  })
  .meta({ id: 'SourceLoad', description: 'What reading costs the source. Null means not known.' });
