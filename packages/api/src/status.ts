import type {
  CaptureBindingStatus,
  CaptureStatus,
  DiskStatus,
  MaterializationBindingStatus,
  MaterializationStatus,
  RunProposal,
  RuntimeStatus,
  SchemaStatus,
} from '@brimful/model';
import { z } from 'zod';
import { problemRecord } from './problem.ts';

const taskState = z
  .enum(['starting', 'running', 'waiting', 'paused', 'failed', 'stopped'])
  .meta({ id: 'TaskState' });

const proposal: z.ZodType<RunProposal> = z
  .object({ command: z.string(), sentence: z.string() })
  .meta({ id: 'RunProposal', description: 'The smallest safe way out of a problem.' });

const schemaStatus: z.ZodType<SchemaStatus> = z
  .object({
    version: z.int(),
    registeredAt: z.number().optional(),
    change: z.object({ sentence: z.string(), isWidening: z.boolean() }).optional(),
  })
  .meta({ id: 'SchemaStatus' });

const captureBindingStatus: z.ZodType<CaptureBindingStatus> = z
  .object({
    resource: z.string(),
    collection: z.string(),
    phase: z.enum(['waiting', 'joining', 'backfilling', 'filling', 'streaming', 'failed', 'gap', 'dropped']),
    rowsRead: z.number(),
    rowsEstimated: z.number(),
    bytesRead: z.number(),
    bytesEstimated: z.number(),
    estimateQuality: z.enum(['exact', 'sampled', 'statistics', 'unknown']),
    rowsPerSecond: z.number(),
    bytesPerSecond: z.number(),
    etaSeconds: z.number().optional(),
    changes: z.number(),
    journal: z.object({ first: z.number(), next: z.number(), bytes: z.number() }),
    schema: schemaStatus.optional(),
    problem: problemRecord.optional(),
    proposal: proposal.optional(),
  })
  .meta({ id: 'CaptureBindingStatus' });

export const captureStatus: z.ZodType<CaptureStatus> = z
  .object({
    name: z.string(),
    connector: z.string(),
    state: taskState,
    sentence: z.string().meta({ description: 'The state in words.' }),
    position: z.string().optional(),
    lagBytes: z.number().optional(),
    lagMilliseconds: z.number().optional(),
    changes: z.number(),
    changesPerSecond: z.number(),
    problem: problemRecord.optional(),
    proposal: proposal.optional(),
    bindings: z.array(captureBindingStatus),
  })
  .meta({ id: 'CaptureStatus' });

const materializationBindingStatus: z.ZodType<MaterializationBindingStatus> = z
  .object({
    collection: z.string(),
    table: z.string(),
    phase: z.enum(['waiting', 'loading', 'indexing', 'replaying', 'live', 'failed']),
    offset: z.number(),
    next: z.number(),
    rowsWritten: z.number(),
    bytesWritten: z.number(),
    rowsPerSecond: z.number(),
    lagMilliseconds: z.number().optional(),
    problem: problemRecord.optional(),
  })
  .meta({ id: 'MaterializationBindingStatus' });

export const materializationStatus: z.ZodType<MaterializationStatus> = z
  .object({
    name: z.string(),
    connector: z.string(),
    state: taskState,
    sentence: z.string(),
    waiting: z.string().optional(),
    lagMilliseconds: z.number().optional(),
    rowsWritten: z.number(),
    rowsPerSecond: z.number(),
    problem: problemRecord.optional(),
    bindings: z.array(materializationBindingStatus),
  })
  .meta({ id: 'MaterializationStatus' });

const diskStatus: z.ZodType<DiskStatus> = z
  .object({ usedBytes: z.number(), freeBytes: z.number(), limitBytes: z.number(), paused: z.boolean() })
  .meta({ id: 'DiskStatus' });

export const runtimeStatus: z.ZodType<RuntimeStatus> = z
  .object({
    at: z.number().meta({ description: 'Milliseconds since 1970.' }),
    startedAt: z.number(),
    pid: z.int(),
    captures: z.array(captureStatus),
    materializations: z.array(materializationStatus),
    disk: diskStatus,
    reloading: z
      .string()
      .optional()
      .meta({ description: 'In words, while another catalog is being taken up.' }),
  })
  .meta({
    id: 'RuntimeStatus',
    description: 'What everything is doing. Absent means not known, never zero.',
  });
