import { z } from 'zod';

const seconds = (fallback: number): z.ZodDefault<z.ZodNumber> => z.number().positive().default(fallback);

/** How to reach a Postgres server: by `url`, or by its parts; parts win over the url. */
export const connectionFields = {
  url: z
    .string()
    .optional()
    .describe(
      'Connection string, e.g. postgres://user:password@host:5432/database?sslmode=require. Keep it in an environment variable: ${SHOP_DATABASE_URL}.',
    ),
  host: z
    .string()
    .optional()
    .describe('Host name or address, or the directory of a Unix socket. Default: localhost.'),
  port: z.number().int().min(1).max(65_535).optional().describe('Default: 5432.'),
  user: z.string().optional().describe('Role to log in as.'),
  password: z
    .string()
    .optional()
    .describe('Its password. Keep it in an environment variable: ${SHOP_PASSWORD}.'),
  database: z.string().optional().describe('Database to connect to. Default: the name of the user.'),
  ssl: z
    .enum(['disable', 'require', 'verify-full'])
    .optional()
    .describe(
      "'require' encrypts, 'verify-full' also checks the server's certificate and name. Default: the url's sslmode, else 'disable'.",
    ),
  sslRootCertificate: z
    .string()
    .optional()
    .describe("The certificate authority's certificate (PEM text), for 'verify-full'."),
  connectTimeoutSeconds: seconds(10).describe('How long connecting and logging in may take.'),
};

const NAME_REASON = 'lower-case letters, digits and underscores, at most 63, not beginning with a digit';

export const captureConfig = z.strictObject({
  ...connectionFields,
  slot: z
    .string()
    .regex(/^[a-z0-9_]{1,63}$/, 'a slot name has only lower-case letters, digits and underscores, at most 63')
    .optional()
    .describe(
      "Name of the replication slot. Default: brimful_ and the capture's name. Each capture needs its own.",
    ),
  publication: z
    .string()
    .regex(
      /^[a-z_][a-z0-9_]{0,54}$/,
      `a publication name here has ${NAME_REASON} (minus the suffix _inserts)`,
    )
    .optional()
    .describe(
      "Name of the publication for tables with a key; tables without one go into <name>_inserts. Default: brimful_ and the capture's name.",
    ),
  schemas: z
    .array(z.string())
    .min(1)
    .optional()
    .describe('Schemas whose tables are offered. Default: all but the system’s own.'),
  readers: z
    .number()
    .int()
    .min(1)
    .max(32)
    .default(2)
    .describe('How many connections read tables at the same time while they are backfilled.'),
  statementTimeoutSeconds: seconds(60).describe(
    'How long one statement on the catalog or on a publication may take. Does not limit the reading of tables.',
  ),
  lockTimeoutSeconds: seconds(5).describe(
    'How long to queue for a lock on a table before letting others pass and trying again.',
  ),
  joinTimeoutSeconds: seconds(120).describe(
    'How long to wait for running transactions to end when the slot is created and when tables join the stream.',
  ),
});

export type CaptureConfig = z.infer<typeof captureConfig>;
