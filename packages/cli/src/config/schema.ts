import { ALERT_SEVERITIES } from '@brimful/model';
import { z } from 'zod';

/**
 * The one description of `brimful.yaml`: it validates, it becomes the JSON Schema for editors, and its texts are the
 * reference. Connectors bring the schemas of their `config` themselves.
 */

const MAXIMUM_NAME_LENGTH = 200;

const name = z
  .string()
  .max(MAXIMUM_NAME_LENGTH)
  .regex(/^[^/\s\p{Cc}][^/\p{Cc}]*(\/[^/\s\p{Cc}][^/\p{Cc}]*)*$/u, {
    error: 'must be words separated by single slashes, for example shop/orders',
  })
  .refine((text) => !text.split('/').some((part) => part === '.' || part === '..'), {
    error: 'must not have . or .. between its slashes',
  });

const UNITS: Readonly<Record<string, number>> = {
  '': 1,
  b: 1,
  kb: 1e3,
  mb: 1e6,
  gb: 1e9,
  tb: 1e12,
  kib: 1024,
  mib: 1024 ** 2,
  gib: 1024 ** 3,
  tib: 1024 ** 4,
};

const SIZE = /^\s*\d+(\.\d+)?\s*([kmgt]?i?b)?\s*$/i;

/** `500 MB`, `2GiB` or a number of bytes. */
const size = z
  .union([
    z.number().int().nonnegative(),
    z.string().regex(SIZE, 'must be a size such as 500 MB, 2 GiB or a number of bytes'),
  ])
  .transform((written) => (typeof written === 'number' ? written : parseSize(written)));

/** Bytes; undefined when it is not a size. */
export function sizeOf(text: string): number | undefined {
  return SIZE.test(text) ? parseSize(text) : undefined;
}

function parseSize(text: string): number {
  const unit = text.replaceAll(/[\d.\s]/g, '').toLowerCase();
  return Math.round(Number.parseFloat(text) * (UNITS[unit] ?? 1));
}

const DURATIONS: Readonly<Record<string, number>> = { s: 1e3, m: 6e4, h: 36e5, d: 864e5, w: 6048e5 };

/** `30m`, `12h`, `7d` in milliseconds. */
const duration = z
  .string()
  .regex(/^\s*\d+(\.\d+)?\s*[smhdw]\s*$/, 'must be a duration such as 30m, 12h or 7d')
  .transform((text) => Math.round(Number.parseFloat(text) * (DURATIONS[text.trim().slice(-1)] ?? 1)));

/** YAML reads an unquoted `connector: null` as nothing; who writes it means the connector of that name. */
const connectorName = z.union([z.string(), z.null()]).transform((written) => written ?? 'null');

const captureBinding = z
  .strictObject({
    resource: z
      .string()
      .min(1)
      .describe('The table as `brimful discover` names it, for example public.orders.'),
    target: name
      .optional()
      .describe("The collection it fills, for example shop/orders. Default: <the capture's prefix>/<table>."),
  })
  .describe('One source table and the collection it fills.');

const autoDiscover = z
  .strictObject({
    schemas: z
      .array(z.string().min(1))
      .min(1)
      .optional()
      .describe('Only tables of these schemas. Default: all that belong to users.'),
    exclude: z
      .array(z.string().min(1))
      .default([])
      .describe('Tables to leave alone. * stands for any characters, for example public.tmp_*.'),
    prefix: name
      .optional()
      .describe('First part of the names of the collections. Default: the first part of the capture name.'),
  })
  .describe('Captures all tables, and new ones by themselves as they appear.');

const capture = z
  .strictObject({
    connector: connectorName.describe('The kind of source.'),
    config: z.unknown().optional().describe('How to reach the source; see the connector.'),
    autoDiscover: z
      .union([autoDiscover, z.boolean()])
      .optional()
      .describe('true, or which tables. Default: true when there are no bindings.'),
    bindings: z
      .array(captureBinding)
      .default([])
      .describe('Tables with a collection name of their own choosing.'),
  })
  .describe('Reads a source.');

const deletes = z
  .enum(['hard', 'soft'])
  .describe('hard: deleted rows vanish. soft: they stay, with _brimful_deleted_at set.');
const adopt = z
  .boolean()
  .describe('Write into a table that exists and was not made by Brimful, if its columns fit.');

const materializationBinding = z
  .strictObject({
    source: name.describe('The collection.'),
    table: z
      .string()
      .min(1)
      .optional()
      .describe('The table. Default: the collection name without its first part.'),
    deletes: deletes.optional(),
    adopt: adopt.optional(),
  })
  .describe('One collection and the table it becomes.');

const materialization = z
  .strictObject({
    connector: connectorName.describe('The kind of destination.'),
    config: z.unknown().optional().describe('How to reach the destination; see the connector.'),
    source: name.optional().describe('A capture: all its collections, future ones too, become tables.'),
    bindings: z
      .array(materializationBinding)
      .default([])
      .describe('Collections with a table or options of their own.'),
    deletes: deletes.default('hard'),
    adopt: adopt.default(false),
  })
  .describe('Keeps destination tables equal to collections.');

const limits = z
  .strictObject({
    diskFree: size
      .optional()
      .describe(
        'Captures pause while the disk of the data directory has less than this left. Default: 1 GiB.',
      ),
    diskUsed: size
      .optional()
      .describe('Captures pause while the data directory holds more than this. Default: no limit.'),
    memory: size.optional().describe('For all data in flight together. Default: 192 MiB.'),
    retention: duration
      .optional()
      .describe(
        'History that every materialization has is forgotten after this, for example 7d. Default: all is kept.',
      ),
  })
  .describe('What Brimful may use.');

const price = z.number().nonnegative().default(0);

const prices = z
  .strictObject({
    currency: z.string().min(1).max(10).describe('For example EUR.'),
    sourceReadPerGb: price.describe('For every GB that is read from a source.'),
    destinationWritePerGb: price.describe('For every GB that is written to a destination.'),
    destinationWritePerMillionRows: price.describe('For every million rows written to a destination.'),
    storagePerGbMonth: price.describe('For a GB that is kept for a month, here or at a destination.'),
  })
  .describe('What things cost, so that plans can say a price. In GB of a thousand million bytes.');

const backfill = z
  .strictObject({
    undo: z
      .union([
        z.string().regex(/^(0|\d+(\.\d+)?[smhd])$/, 'must be a duration such as 12h or 7d, or 0'),
        z.literal(0).transform(() => '0'),
      ])
      .optional()
      .describe(
        'How long a reset or rebuild can be undone: both generations are kept current meanwhile. 0: not at all. Default: 24h.',
      ),
    prices: prices.optional(),
  })
  .describe('For backfill runs.');

const SHORTEST_SECRET = 16;

const alerts = z
  .strictObject({
    webhook: z
      .url({ protocol: /^https?$/, error: 'must be an address that begins with http:// or https://' })
      .optional()
      .describe(
        'Where every alert is sent as JSON, when it is raised and when it is over. From the environment: ${ALERT_WEBHOOK_URL}.',
      ),
    secret: z
      .string()
      .min(SHORTEST_SECRET, `must have at least ${SHORTEST_SECRET} characters`)
      .optional()
      .describe(
        'Signs what is sent, with HMAC-SHA256 in the header X-Brimful-Signature. From the environment: ${ALERT_WEBHOOK_SECRET}.',
      ),
    from: z
      .enum(ALERT_SEVERITIES)
      .default('info')
      .describe('The webhook is told of alerts that are at least this urgent.'),
    lag: duration
      .optional()
      .describe('An alert when a stream, or a destination table, is older than this. Default: 5m.'),
    retainedLog: size
      .optional()
      .describe('An alert when a source keeps more log than this for a capture. Default: 8 GiB.'),
    stalled: duration
      .optional()
      .describe('An alert when a task has work and makes no progress for so long. Default: 10m.'),
    diskFree: size
      .optional()
      .describe(
        'An alert when the disk of the data directory has less than this left. Default: twice limits.diskFree.',
      ),
  })
  .describe('What people are told without having looked.');

const SHORTEST_PASSWORD = 8;
const SHORTEST_TOKEN = 24;
const HIGHEST_PORT = 65_535;

const server = z
  .strictObject({
    host: z
      .string()
      .min(1)
      .default('127.0.0.1')
      .describe('Where pages and API are served. Anything but this machine needs a password or tokens.'),
    port: z.coerce
      .number<number | string>()
      .int()
      .min(0)
      .max(HIGHEST_PORT)
      .optional()
      .describe('0: any that is free. Default: 4646, or any that is free when it is taken.'),
    names: z
      .array(z.string().min(1))
      .default([])
      .describe(
        'Other names that people reach it by, for example brimful.example.com. With any, a password or tokens are needed.',
      ),
    password: z
      .string()
      .min(SHORTEST_PASSWORD, `must have at least ${SHORTEST_PASSWORD} characters`)
      .optional()
      .describe('The admin password for the pages. From the environment: ${BRIMFUL_PASSWORD}.'),
    tokens: z
      .record(
        z.string().regex(/^[\w.-]{1,60}$/, 'must be a word'),
        z.string().min(SHORTEST_TOKEN, `must have at least ${SHORTEST_TOKEN} characters`),
      )
      .default({})
      .describe('API tokens of programs, by the name that the audit log calls each by.'),
  })
  .describe('Pages and API in the browser.');

export const configSchema = z
  .strictObject({
    dataDirectory: z
      .string()
      .min(1)
      .default('./data')
      .describe('Where journals and checkpoints are kept, relative to this file.'),
    captures: z.record(name, capture).describe('Sources, by name: <prefix>/<name>.'),
    collections: z
      .record(name, z.union([z.strictObject({}), z.null()]))
      .default({})
      .describe('Collections, by name. Key and columns come from the source; listing them is optional.'),
    materializations: z.record(name, materialization).default({}).describe('Destinations, by name.'),
    limits: limits.default({}),
    backfill: backfill.default({}),
    alerts: alerts.prefault({}),
    server: server.prefault({}),
  })
  .describe('Brimful: which sources to read and which destinations to keep current.');

export type Config = z.output<typeof configSchema>;
