import { createHmac } from 'node:crypto';
import type { Alert } from '@brimful/model';
import { alertPath } from '@brimful/model';

/** Something to tell the webhook. Plain data: it waits in the book, also across restarts. */
export interface WebhookMessage {
  /** The same for every attempt, so that a receiver can tell that it has had it. */
  readonly id: string;
  readonly event: 'raised' | 'cleared' | 'test';
  readonly at: number;
  readonly alert: Alert;
  readonly attempts: number;
  /** Milliseconds since 1970 of the next attempt. */
  readonly dueAt: number;
}

export function messageOf(event: 'raised' | 'cleared', alert: Alert, now: number): WebhookMessage {
  const id = `${alert.number}-${event}-${alert.severity}`;
  return { id, event, at: now, alert, attempts: 0, dueAt: now };
}

export function testMessage(now: number): WebhookMessage {
  const alert: Alert = {
    id: 'test',
    number: 0,
    kind: 'run finished',
    severity: 'info',
    subject: { kind: 'disk', name: 'data' },
    sentence: 'This is a test: alerts will arrive here.',
    remedy: null,
    lasts: 'until seen',
    raisedAt: now,
    saidAt: now,
    clearedAt: now,
    acknowledged: null,
    delivery: null,
  };
  return { id: `test-${now}`, event: 'test', at: now, alert, attempts: 0, dueAt: now };
}

/** The JSON that is sent. Documented in docs/concepts/6-alerts.md: fields are added, never changed. */
export function messageBody({ id, event, at, alert }: WebhookMessage): string {
  const { severity, sentence, remedy, raisedAt, clearedAt } = alert;
  const word = event === 'cleared' ? 'over' : event === 'test' ? 'test' : severity;
  return JSON.stringify({
    version: 1,
    delivery: id,
    event,
    at: new Date(at).toISOString(),
    // What chat programs show.
    text: `[${word}] ${sentence}${remedy === null || event === 'cleared' ? '' : ` ${remedy}`}`,
    alert: {
      id: alert.id,
      number: alert.number,
      kind: alert.kind,
      severity,
      subject: alert.subject,
      sentence,
      remedy,
      raisedAt: new Date(raisedAt).toISOString(),
      clearedAt: clearedAt === null ? null : new Date(clearedAt).toISOString(),
      path: alertPath(alert.subject),
    },
  });
}

/** `sha256=` and the HMAC of the time, a dot and the body: the time, so that an old message cannot be played again. */
export function signatureOf(secret: string, timestamp: string, body: string): string {
  return `sha256=${createHmac('sha256', secret).update(`${timestamp}.${body}`).digest('hex')}`;
}
