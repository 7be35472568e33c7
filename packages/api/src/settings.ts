import { ALERT_SEVERITIES } from '@brimful/model';
import { z } from 'zod';

const prices = z.object({
  currency: z.string(),
  sourceReadPerGb: z.number(),
  destinationWritePerGb: z.number(),
  destinationWritePerMillionRows: z.number(),
  storagePerGbMonth: z.number(),
});

/** What is in force by the configuration file. Null: nothing is set, and there is no default. Secrets never. */
const configured = z.object({
  file: z.string(),
  dataDirectory: z.string(),
  limits: z.object({
    diskFreeBytes: z.number(),
    diskUsedBytes: z.number().nullable(),
    memoryBytes: z.number(),
    retentionMilliseconds: z.number().nullable().meta({ description: 'Null: all history is kept.' }),
  }),
  backfill: z.object({
    undo: z.string().meta({ description: 'As written: 24h.' }),
    prices: prices.nullable(),
  }),
  alerts: z.object({
    lagMilliseconds: z.number(),
    retainedLogBytes: z.number(),
    stalledMilliseconds: z.number(),
    diskFreeBytes: z.number(),
    from: z.enum(ALERT_SEVERITIES),
    webhook: z
      .object({ origin: z.string(), isSigned: z.boolean() })
      .nullable()
      .meta({ description: 'Never its whole address.' }),
  }),
});

export type ConfiguredSettings = z.output<typeof configured>;

const access = z.object({
  hasPassword: z.boolean(),
  sessions: z.int().meta({ description: 'Browsers that are signed in.' }),
  tokens: z.array(
    z.object({
      name: z.string(),
      lastUsedAt: z.number().nullable().meta({ description: 'Since the start; null: not used.' }),
    }),
  ),
});

export type AccessState = z.output<typeof access>;

export const settings = z
  .object({
    ...configured.shape,
    server: z.object({
      host: z.string(),
      port: z.int(),
      names: z.array(z.string()),
      isExposed: z.boolean().meta({ description: 'Whether other machines could reach it.' }),
    }),
    access,
    startedAt: z.number().meta({ description: 'When the file was read.' }),
  })
  .meta({ id: 'Settings', description: 'What is in force. It is changed in the configuration file.' });

export type Settings = z.output<typeof settings>;
