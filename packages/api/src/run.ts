import type { Run, RunBinding, RunEvent, RunReport } from '@brimful/model';
import { RUN_BINDING_STATES, RUN_STATES, RUN_VERBS } from '@brimful/model';
import { z } from 'zod';
import { text } from './limits.ts';
import { backfillPlan, runMode, runRequest, throttle } from './plan.ts';
import { problemRecord } from './problem.ts';
import { verdict, verificationReport } from './verification.ts';

export const runState = z.enum(RUN_STATES).meta({ id: 'RunState' });

const bindingState = z.enum(RUN_BINDING_STATES);

const runBinding: z.ZodType<RunBinding> = z
  .object({
    collection: z.string(),
    state: bindingState,
    rowsRead: z.number(),
    rowsEstimated: z.number(),
    bytesRead: z.number(),
    bytesEstimated: z.number(),
    rowsPerSecond: z.number(),
    etaSeconds: z.number().nullable(),
    done: z.number().meta({ description: 'Part of the scope that is done, 0 to 1.' }),
    deleted: z.number(),
    verifications: z.array(verificationReport),
    problem: problemRecord.nullable(),
  })
  .meta({ id: 'RunBinding' });

const runEvent: z.ZodType<RunEvent> = z
  .object({ at: z.number(), who: z.string(), what: z.string() })
  .meta({ id: 'RunEvent' });

const runReport: z.ZodType<RunReport> = z
  .object({
    seconds: z.number(),
    rows: z.number(),
    bytes: z.number(),
    deleted: z.number(),
    rowsRatio: z.number().nullable(),
    secondsRatio: z.number().nullable(),
    swapMilliseconds: z.number().nullable(),
    verdict: verdict.nullable(),
  })
  .meta({ id: 'RunReport' });

export const run: z.ZodType<Run> = z
  .object({
    id: z.string(),
    mode: runMode,
    plan: backfillPlan,
    state: runState,
    because: z.string().nullable(),
    throttle,
    bindings: z.array(runBinding),
    events: z.array(runEvent),
    createdAt: z.number(),
    startedAt: z.number().nullable(),
    endedAt: z.number().nullable(),
    undoUntil: z.number().nullable(),
    intent: z.enum(['undo', 'redo']).nullable(),
    report: runReport.nullable(),
  })
  .meta({ id: 'Run' });

/** A run without its plan, tables and events: what a list shows, and what is sent at every change. */
export const runSummary = z
  .object({
    id: z.string(),
    mode: runMode,
    planId: z.string(),
    request: runRequest.meta({ description: 'Single keys are left out.' }),
    state: runState,
    because: z.string().nullable(),
    throttle,
    createdAt: z.number(),
    startedAt: z.number().nullable(),
    endedAt: z.number().nullable(),
    undoUntil: z.number().nullable(),
    intent: z.enum(['undo', 'redo']).nullable(),
    report: runReport.nullable(),
    tables: z.object({ total: z.int(), done: z.int(), failed: z.int() }),
    rowsRead: z.number(),
    rowsEstimated: z.number(),
    rowsPerSecond: z.number(),
    etaSeconds: z.number().nullable(),
    done: z.number().meta({ description: 'Part of the rows that is done, 0 to 1.' }),
    lastEvent: runEvent.nullable(),
  })
  .meta({ id: 'RunSummary' });

export type RunSummary = z.output<typeof runSummary>;

export const runVerb = z.enum(RUN_VERBS);

/** What is asked of a run by whoever is signed in. */
export const runOrder = z
  .strictObject({
    verb: runVerb,
    why: text.nullable().default(null),
    collection: text.optional().meta({ description: 'Of `retry` and `skip`: only this table.' }),
    throttle: throttle.optional(),
  })
  .meta({ id: 'RunOrder' });
