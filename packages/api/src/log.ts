import { z } from 'zod';

export const logEntry = z
  .object({
    sequence: z.int().meta({ description: 'Counts up; ask for what comes after the last one seen.' }),
    at: z.number(),
    level: z.enum(['info', 'warn', 'error']),
    message: z.string(),
    fields: z.record(z.string(), z.unknown()),
  })
  .meta({ id: 'LogEntry' });

export type LogEntry = z.output<typeof logEntry>;
