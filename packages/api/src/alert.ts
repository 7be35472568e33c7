import type { Alert } from '@brimful/model';
import { ALERT_KINDS, ALERT_LASTS, ALERT_SEVERITIES } from '@brimful/model';
import { z } from 'zod';

const severity = z.enum(ALERT_SEVERITIES);

export const alert: z.ZodType<Alert> = z
  .object({
    id: z.string().meta({ description: 'The same whenever the same thing happens to the same subject.' }),
    number: z.int().meta({ description: 'Counts up, one for every time an alert is raised.' }),
    kind: z.enum(ALERT_KINDS),
    severity,
    subject: z.object({
      kind: z.enum(['capture', 'collection', 'materialization', 'run', 'disk']),
      name: z.string(),
      table: z.string().optional(),
    }),
    sentence: z.string(),
    remedy: z.string().nullable(),
    lasts: z.enum(ALERT_LASTS),
    raisedAt: z.number(),
    saidAt: z.number().meta({ description: 'When the values in the sentence were so.' }),
    clearedAt: z.number().nullable(),
    acknowledged: z.object({ who: z.string(), at: z.number() }).nullable(),
    delivery: z
      .object({
        event: z.enum(['raised', 'cleared']),
        state: z.enum(['waiting', 'delivered', 'failed', 'left out']),
        attempts: z.int(),
        at: z.number(),
        error: z.string().nullable(),
      })
      .nullable()
      .meta({ description: 'Of the newest message to the webhook about it.' }),
  })
  .meta({ id: 'Alert' });

const webhookState = z
  .object({
    origin: z.string().meta({ description: 'Where it is; never its whole address.' }),
    isSigned: z.boolean(),
    from: severity.meta({ description: 'It is told of this and worse.' }),
    waiting: z.int(),
    delivered: z.int().meta({ description: 'Since the start.' }),
    failed: z.int().meta({ description: 'Attempts since the start.' }),
    last: z.object({ at: z.number(), ok: z.boolean(), error: z.string().nullable() }).nullable(),
  })
  .meta({ id: 'WebhookState' });

export const alertList = z.object({
  open: z.array(alert).meta({ description: 'The worst first.' }),
  recent: z.array(alert).meta({ description: 'That are over, the newest first.' }),
  webhook: webhookState.nullable(),
});

export type AlertList = z.output<typeof alertList>;

export const webhookOutcome = z
  .object({
    state: z.enum(['delivered', 'again', 'refused']),
    status: z.int().nullable().meta({ description: 'Of its answer; null: there was none.' }),
    error: z.string().nullable(),
    milliseconds: z.number(),
  })
  .meta({ id: 'WebhookOutcome' });
