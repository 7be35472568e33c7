import type {
  BackfillPlan,
  BindingPlan,
  EstimatedNumber,
  Guard,
  Json,
  RunEstimate,
  RunRequest,
  Scope,
  Stage,
  TablePlan,
} from '@brimful/model';
import { SCOPE_KEYS_LIMIT } from '@brimful/model';
import { z } from 'zod';
import { name, text, words } from './limits.ts';
import { schema } from './schema.ts';

const texts = z.array(z.string());

const scope: z.ZodType<Scope> = z
  .discriminatedUnion('kind', [
    z.object({ kind: z.literal('all') }),
    z.object({
      kind: z.literal('time'),
      column: z.string(),
      from: z.string().nullable(),
      to: z.string().nullable(),
      zone: z.string(),
    }),
    z.object({ kind: z.literal('key'), from: texts.nullable(), to: texts.nullable() }),
    z.object({ kind: z.literal('keys'), keys: z.array(texts) }),
  ])
  .meta({ id: 'Scope', description: 'Which rows. Ranges are half-open; null is an open end.' });

export const throttle = z
  .strictObject({
    bytesPerSecond: z.number().nonnegative().nullable(),
    readers: z.int().positive().nullable(),
  })
  .meta({ id: 'Throttle', description: 'Null: the governor alone decides. 0 bytes a second pauses.' });

export const runMode = z.enum(['reset', 'incremental', 'materialization', 'repair']).meta({ id: 'RunMode' });

export const runRequest: z.ZodType<RunRequest> = z
  .object({
    mode: runMode,
    task: z.string(),
    bindings: texts.nullable(),
    scope,
    columns: texts.nullable(),
    reason: z.string(),
    author: z.string(),
    acknowledged: texts,
    missingRows: z.enum(['remove', 'keep']),
    deleteLimit: z.number(),
    throttle,
    windows: z.array(z.object({ cron: z.string(), minutes: z.number(), zone: z.string() })),
    undoMilliseconds: z.number(),
    verify: z.enum(['full', 'counts']),
  })
  .meta({ id: 'RunRequest' });

const quality = z.enum(['exact', 'sampled', 'statistics', 'at least']);
export const estimated: z.ZodType<EstimatedNumber> = z
  .object({ value: z.number(), quality })
  .meta({ id: 'EstimatedNumber' });
const fromTo = z.object({ from: z.int(), to: z.int() });

const tablePlan: z.ZodType<TablePlan> = z
  .object({
    materialization: z.string(),
    table: z.string(),
    generation: fromTo,
    rows: z.number().nullable(),
    bytes: z.number().nullable(),
    dependents: z.array(z.object({ what: z.string(), carried: z.boolean(), note: z.string() })),
  })
  .meta({ id: 'TablePlan' });

const row = z.record(z.string(), z.string().nullable()).nullable();

const bindingPlan: z.ZodType<BindingPlan> = z
  .object({
    collection: z.string(),
    resource: z.string().nullable(),
    generation: fromTo,
    schema,
    tables: z.array(tablePlan),
    rows: estimated,
    bytes: estimated,
    readShape: z.string(),
    firstRow: row,
    lastRow: row,
  })
  .meta({ id: 'BindingPlan' });

const stage: z.ZodType<Stage> = z
  .object({
    kind: z.enum(['read', 'reconcile', 'compact', 'build', 'catch up', 'verify', 'swap', 'keep', 'clean up']),
    subject: z.string(),
    sentence: z.string(),
    level: z.int(),
  })
  .meta({ id: 'Stage' });

const estimate: z.ZodType<RunEstimate> = z
  .object({
    rows: estimated,
    bytes: estimated,
    seconds: z.object({ from: z.number(), to: z.number(), quality }),
    sourceBytesRead: z.number(),
    walBytes: z.number(),
    walHeadroomBytes: z.number().nullable(),
    destinationRowsWritten: z.number(),
    destinationBytesWritten: z.number(),
    peakLocalBytes: z.number(),
    peakDestinationBytes: z.number(),
    price: z.object({ amount: z.number(), currency: z.string(), lines: texts }).nullable(),
    downtimeSeconds: z.number(),
    basedOn: z.string(),
  })
  .meta({ id: 'RunEstimate' });

const guard: z.ZodType<Guard> = z
  .object({
    id: z.string(),
    level: z.enum(['block', 'confirm', 'warn', 'ok']),
    subject: z.string(),
    message: z.string(),
    evidence: z.string(),
    remedy: z.string().nullable(),
  })
  .meta({ id: 'Guard' });

/** Whatever JSON there is: shown, never interpreted. */
const json = z.unknown() as z.ZodType<Json>;

export const backfillPlan: z.ZodType<BackfillPlan> = z
  .object({
    id: z.string(),
    createdAt: z.number(),
    expiresAt: z.number(),
    request: runRequest,
    basis: z.record(z.string(), json),
    seen: z.object({ position: z.string().nullable(), statisticsAt: z.number().nullable() }),
    bindings: z.array(bindingPlan),
    stages: z.array(stage),
    estimate,
    guards: z.array(guard),
    alternatives: texts,
  })
  .meta({ id: 'BackfillPlan', description: 'A frozen promise: what will be done, to what, at which cost.' });

/** What a person typed into a form or on a command line, before it is checked. Absent: not given. */
export const runDraft = z
  .strictObject({
    mode: text.meta({ description: 'reset, incremental, materialization or repair.' }),
    task: name.meta({ description: 'The capture; for `materialization` the materialization.' }),
    bindings: words.optional().meta({ description: 'Collections. Default: all of the task.' }),
    reason: text.optional(),
    acknowledged: words.optional().meta({ description: 'Ids of guards that were read and are accepted.' }),
    time: text.optional().meta({ description: 'The column of a time range.' }),
    from: text.optional().meta({ description: '2026-01-01, 2026-01-01T12:30Z, 7d.' }),
    to: text.optional().meta({ description: 'Not in the range.' }),
    zone: text.optional().meta({ description: 'An IANA time zone.' }),
    keyFrom: text.optional(),
    keyTo: text.optional(),
    keys: z.array(text).max(SCOPE_KEYS_LIMIT).optional(),
    columns: words.optional(),
    missingRows: text.optional().meta({ description: 'remove or keep.' }),
    deleteLimit: text.optional().meta({ description: '10% or 0.1.' }),
    rate: text.optional().meta({ description: '20MB/s; 0 begins paused.' }),
    readers: text.optional(),
    windows: words.optional().meta({ description: '0 22 * * * 8h Europe/Berlin' }),
    undo: text.optional().meta({ description: '24h, or 0 for none.' }),
    verify: text.optional().meta({ description: 'full or counts.' }),
  })
  .meta({ id: 'RunDraft' });

/** The author is whoever is signed in. */
export type RunDraftInput = z.input<typeof runDraft>;

export const planApproval = z
  .strictObject({ acknowledged: words.default([]) })
  .meta({ id: 'PlanApproval', description: 'Ids of the guards that want to be confirmed.' });
