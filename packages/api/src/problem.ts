import type { ProblemCode } from '@brimful/model';
import { z } from 'zod';

const code = z.templateLiteral(['BRM-', z.string()]) satisfies z.ZodType<ProblemCode>;
const kind = z.enum(['operator', 'retry', 'bug']);
const at = z.record(z.string(), z.union([z.string(), z.number()]));

/** A failure inside a status or a report. */
export const problemRecord = z
  .object({ code, kind, message: z.string(), remedy: z.string().nullable(), at })
  .meta({ id: 'ProblemRecord', description: 'What failed, where, and what to do about it.' });

/** The body of every answer that is not a success: RFC 9457, `application/problem+json`. */
export const problemDetails = z
  .object({
    type: z.string().meta({ description: '`urn:brimful:problem:` and the code.' }),
    title: z.string(),
    status: z.int(),
    detail: z.string(),
    code: code.meta({ description: 'The same codes as on the command line.' }),
    kind: kind.meta({
      description:
        'operator: somebody must change something. retry: try again later. bug: a defect in Brimful.',
    }),
    remedy: z.string().nullable(),
    at,
  })
  .meta({ id: 'Problem' });

export type ProblemDetails = z.output<typeof problemDetails>;
