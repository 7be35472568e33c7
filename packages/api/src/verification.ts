import type { VerificationReport } from '@brimful/model';
import { z } from 'zod';
import { name, words } from './limits.ts';
import { problemRecord } from './problem.ts';

export const verdict = z.enum(['equal', 'equal after catch-up', 'divergent', 'inconclusive', 'error']);

export const verificationReport: z.ZodType<VerificationReport> = z
  .object({
    at: z.number(),
    sides: z.string(),
    subject: z.string(),
    verdict,
    level: z.enum(['full', 'counts']),
    rows: z.object({ left: z.number(), right: z.number() }),
    asOf: z.string(),
    leaves: z.object({
      total: z.number(),
      equal: z.number(),
      settled: z.number(),
      differing: z.number(),
    }),
    onlyLeft: z.number(),
    onlyRight: z.number(),
    different: z.number(),
    byColumn: z.record(z.string(), z.number()),
    sampleKeys: z.array(z.array(z.string())),
    skipped: z.array(z.string()),
    problem: problemRecord.nullable(),
    repairPlan: z.string().optional().meta({ description: 'The plan of a run that mends it.' }),
  })
  .meta({ id: 'VerificationReport', description: 'One comparison of two sides at a known place.' });

export const verificationRequest = z
  .strictObject({
    target: name.meta({ description: 'A materialization, a capture or a collection.' }),
    bindings: words.nullable().default(null).meta({ description: 'Collections; null: all.' }),
    level: z.enum(['counts', 'full']).default('full'),
  })
  .meta({ id: 'VerificationRequest' });

export const verifyProgress = z.object({ subject: z.string(), stage: z.string(), rows: z.number() });

export const verification = z
  .object({
    id: z.string(),
    target: z.string(),
    bindings: z.array(z.string()).nullable(),
    level: z.enum(['counts', 'full']),
    state: z.enum(['running', 'done', 'failed', 'cancelled']),
    who: z.string(),
    startedAt: z.number(),
    endedAt: z.number().nullable(),
    progress: verifyProgress.nullable(),
    reports: z.array(verificationReport),
    problem: problemRecord.nullable(),
  })
  .meta({ id: 'Verification', description: 'A comparison that was asked for here. Forgotten on restart.' });

export type Verification = z.output<typeof verification>;
