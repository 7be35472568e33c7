import type {
  Catalog,
  CatalogChange,
  CatalogFinding,
  CatalogProblem,
  CatalogTask,
  Publication,
  PublicationPlan,
  PublicationSummary,
  TextHunk,
} from '@brimful/model';
import { z } from 'zod';
import { text } from './limits.ts';
import { estimated } from './plan.ts';
import { problemRecord } from './problem.ts';

/** Of a catalog's text: 1,000 bindings are some 100 kB. */
const CATALOG_LIMIT_CHARACTERS = 4_000_000;

const task: z.ZodType<CatalogTask> = z
  .object({
    name: z.string(),
    connector: z.string(),
    bindings: z.int().meta({ description: 'That stand in the file.' }),
    followsAll: z.boolean().meta({
      description: 'A capture that takes new tables by itself, a materialization of a whole capture.',
    }),
  })
  .meta({ id: 'CatalogTask' });

export const catalog: z.ZodType<Catalog> = z
  .object({
    path: z.string(),
    revision: z.string().meta({ description: 'SHA-256 of the file as it is on disk now.' }),
    text: z.string().meta({
      description: 'Secrets that stand in it literally are ***; send those lines back as they are.',
    }),
    appliedRevision: z.string().nullable().meta({ description: 'Of what runs now.' }),
    changedOnDisk: z.boolean(),
    publication: z.int().nullable(),
    captures: z.array(task),
    materializations: z.array(task),
  })
  .meta({ id: 'Catalog', description: 'The configuration file, and what of it runs.' });

const change: z.ZodType<CatalogChange> = z
  .object({
    action: z.enum(['add', 'remove', 'change']),
    kind: z.enum(['capture', 'binding', 'collection', 'materialization', 'table', 'setting']),
    subject: z.string(),
    task: z.string().nullable(),
    sentence: z.string().meta({ description: 'What changes.' }),
    consequence: z.enum(['first read', 'load', 'stops', 'restarts', 'backfill', 'server restart', 'none']),
    effect: z.string().meta({ description: 'What happens because of it.' }),
    rows: estimated.nullable(),
    bytes: estimated.nullable(),
    command: z.string().nullable().meta({ description: 'What to run afterwards.' }),
  })
  .meta({ id: 'CatalogChange' });

const catalogProblem: z.ZodType<CatalogProblem> = z
  .object({
    code: z.string(),
    message: z.string(),
    line: z.int().nullable(),
    column: z.int().nullable(),
    remedy: z.string().nullable(),
  })
  .meta({ id: 'CatalogProblem' });

const textHunk: z.ZodType<TextHunk> = z
  .object({
    lines: z.array(
      z.object({
        kind: z.enum(['same', 'removed', 'added']),
        before: z.int().nullable(),
        after: z.int().nullable(),
        text: z.string(),
      }),
    ),
  })
  .meta({ id: 'TextHunk' });

const finding: z.ZodType<CatalogFinding> = z
  .object({
    subject: z.string(),
    level: z.enum(['ok', 'warning', 'error']),
    message: z.string(),
    remedy: z.string().nullable(),
  })
  .meta({ id: 'CatalogFinding' });

export const publicationPlan: z.ZodType<PublicationPlan> = z
  .object({
    id: z.string(),
    createdAt: z.number(),
    expiresAt: z.number(),
    author: z.string(),
    reason: z.string(),
    base: z.string(),
    revision: z.string(),
    text: z.string(),
    changedOnDisk: z.boolean(),
    changes: z.array(change),
    diff: z.array(textHunk),
    problems: z.array(catalogProblem),
    blocked: z.array(z.string()),
    warnings: z.array(z.string()),
    findings: z.array(finding),
    rows: estimated.nullable(),
    bytes: estimated.nullable(),
  })
  .meta({
    id: 'PublicationPlan',
    description:
      'What a new text would do. It can be applied when it has no problems and nothing is blocked.',
  });

const summaryShape = {
  number: z.int(),
  state: z.enum(['applying', 'applied', 'refused', 'abandoned']),
  at: z.number(),
  who: z.string(),
  why: z.string(),
  origin: z.enum(['browser', 'command line', 'file']),
  base: z.string().nullable(),
  revision: z.string(),
  headline: z.string(),
  changeCount: z.int(),
  problem: problemRecord.nullable(),
};

export const publicationSummary: z.ZodType<PublicationSummary> = z
  .object(summaryShape)
  .meta({ id: 'PublicationSummary' });

export const publication: z.ZodType<Publication> = z
  .object({
    ...summaryShape,
    before: z.string().nullable(),
    after: z.string(),
    changes: z.array(change),
    diff: z.array(textHunk),
  })
  .meta({ id: 'Publication', description: 'One change of the catalog, with all of it.' });

/** The author is whoever is signed in. */
export const publicationDraft = z
  .strictObject({
    text: z.string().max(CATALOG_LIMIT_CHARACTERS).meta({ description: 'All of the new file.' }),
    reason: text.default(''),
    base: z
      .string()
      .max(100)
      .optional()
      .meta({ description: 'The revision that was edited: says so when it is not the newest any more.' }),
    unchecked: z
      .boolean()
      .default(false)
      .meta({ description: 'Do not connect to what is added or changed: it may be down at the moment.' }),
  })
  .meta({ id: 'PublicationDraft' });

export const revertRequest = z
  .strictObject({ reason: text.default(''), unchecked: z.boolean().default(false) })
  .meta({ id: 'RevertRequest' });
