import type { AlertDelivery, AlertSeverity } from '@brimful/model';
import { ALERT_SEVERITIES } from '@brimful/model';
import type { AlertBook, AlertChange } from './alert-book.ts';
import { delivered } from './alert-book.ts';
import type { WebhookOutcome } from './webhook.ts';
import { GIVE_UP_MILLISECONDS, pauseAfter } from './webhook.ts';
import type { WebhookMessage } from './webhook-message.ts';
import { messageOf } from './webhook-message.ts';

/** Waiting for a receiver that is down; beyond, the oldest are left out. (Invariant 9) */
export const MESSAGES_LIMIT = 200;

/** The book with what the webhook is still to be told, oldest first: written together, so that nothing is lost between. */
export interface Told {
  readonly book: AlertBook;
  readonly messages: readonly WebhookMessage[];
}

/** Every raise and clear becomes a message, from a severity on. An event that is cleared by itself is no news. Pure. */
export function enqueue(told: Told, changes: readonly AlertChange[], from: AlertSeverity, now: number): Told {
  const least = ALERT_SEVERITIES.indexOf(from);
  let { book } = told;
  const messages = [...told.messages];
  for (const { event, alert } of changes) {
    const isNews = event === 'raised' || (event === 'cleared' && alert.lasts !== 'until seen');
    if (event === 'said' || !isNews || ALERT_SEVERITIES.indexOf(alert.severity) < least) continue;
    messages.push(messageOf(event, alert, now));
    book = delivered(book, alert.number, delivery(event, 'waiting', 0, now, null));
  }
  for (const { event, alert, attempts } of messages.splice(
    0,
    Math.max(0, messages.length - MESSAGES_LIMIT),
  )) {
    const error = `more than ${MESSAGES_LIMIT} messages waited`;
    if (event !== 'test')
      book = delivered(book, alert.number, delivery(event, 'left out', attempts, now, error));
  }
  return { book, messages };
}

/** After an attempt at a message: it is gone, or due again later. Pure. */
export function attempted(told: Told, id: string, outcome: WebhookOutcome, now: number): Told {
  const message = told.messages.find((candidate) => candidate.id === id);
  if (message === undefined || message.event === 'test') return told;
  const attempts = message.attempts + 1;
  const isGivenUp = outcome.state === 'refused' || now - message.at >= GIVE_UP_MILLISECONDS;
  const state = outcome.state === 'delivered' ? 'delivered' : isGivenUp ? 'failed' : 'waiting';
  const next = { ...message, attempts, dueAt: now + pauseAfter(attempts) };
  return {
    book: delivered(
      told.book,
      message.alert.number,
      delivery(message.event, state, attempts, now, outcome.error),
    ),
    messages: told.messages.flatMap((each) =>
      each !== message ? [each] : state === 'waiting' ? [next] : [],
    ),
  };
}

function delivery(
  event: AlertDelivery['event'],
  state: AlertDelivery['state'],
  attempts: number,
  at: number,
  error: string | null,
): AlertDelivery {
  return { event, state, attempts, at, error };
}
