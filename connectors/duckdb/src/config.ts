import { z } from 'zod';

/** Fixed, so that memory does not follow the machine's size. (Invariant 9) */
const DEFAULT_MEMORY_LIMIT = '1GB';
/** One for the statement, one to compress beside it; the source's server needs the rest of a small machine. */
const DEFAULT_THREADS = 2;

export const duckdbConfig = z.strictObject({
  path: z
    .string()
    .min(1)
    .describe('The database file. Relative to the configuration file; made when missing.'),
  schema: z.string().min(1).default('main').describe('Schema of the tables. Made when missing.'),
  memoryLimit: z
    .string()
    .regex(/^\d+(\.\d+)?\s*([KMGT]i?B)$/u, 'a size such as 512MB or 2GB')
    .default(DEFAULT_MEMORY_LIMIT)
    .describe('What DuckDB may hold in memory; what does not fit goes to the temporary directory.'),
  threads: z.int().min(1).max(256).default(DEFAULT_THREADS),
  temporaryDirectory: z.string().min(1).optional().describe('Default: `<path>.tmp`.'),
});

export type DuckdbConfig = z.output<typeof duckdbConfig>;
