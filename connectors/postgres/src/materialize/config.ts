import { z } from 'zod';

/** What a user says about a Postgres that receives tables. */
export const postgresDestinationConfig = z.strictObject({
  url: z
    .string()
    .regex(/^postgres(ql)?:\/\//, 'must begin with postgres:// or postgresql://')
    .describe('Connection string of the database, e.g. postgres://user:password@host:5432/warehouse'),
  schema: z
    .string()
    .min(1)
    .max(63)
    .default('public')
    .describe('Schema that the tables go to. Created when it does not exist.'),
  connections: z
    .int()
    .min(1)
    .max(16)
    .default(2)
    .describe(
      'How many tables are written at the same time, each over a connection of its own. One more is used for control.',
    ),
  synchronousCommit: z
    .enum(['on', 'off'])
    .default('on')
    .describe(
      'off: a commit does not wait for the disk. A crash of the server can undo the last fractions of a second, rows and checkpoint together, which are then written again.',
    ),
});

export type PostgresDestinationConfig = z.infer<typeof postgresDestinationConfig>;
