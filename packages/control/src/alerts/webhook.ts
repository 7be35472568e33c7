import { messageBody, signatureOf } from './webhook-message.ts';
import type { WebhookMessage } from './webhook-message.ts';

export interface WebhookSettings {
  readonly url: string;
  /** Signs every message. Undefined: they are not signed. */
  readonly secret: string | undefined;
}

/** `again`: it may go well later. `refused`: it will not. */
export interface WebhookOutcome {
  readonly state: 'delivered' | 'again' | 'refused';
  /** The receiver's; null: there was no answer. */
  readonly status: number | null;
  readonly error: string | null;
  readonly milliseconds: number;
}

/** A receiver that takes longer is as good as down. */
export const ATTEMPT_MILLISECONDS = 10_000;
const FIRST_PAUSE_MILLISECONDS = 1000;
const LONGEST_PAUSE_MILLISECONDS = 5 * 60_000;
/** A message that could not be delivered for so long is nobody's news any more. */
export const GIVE_UP_MILLISECONDS = 24 * 3_600_000;
/** Answers that are not the receiver's last word. */
const PASSING: ReadonlySet<number> = new Set([408, 425, 429]);

/** Where alerts are sent. One attempt at a time; whoever calls keeps the order and tries again. */
export class Webhook {
  readonly #settings: WebhookSettings;
  readonly #version: string;
  readonly #now: () => number;
  readonly #attemptMilliseconds: number;

  constructor(
    settings: WebhookSettings,
    options: { readonly version: string; readonly now: () => number; readonly attemptMilliseconds?: number },
  ) {
    this.#settings = settings;
    this.#version = options.version;
    this.#now = options.now;
    this.#attemptMilliseconds = options.attemptMilliseconds ?? ATTEMPT_MILLISECONDS;
  }

  /** For people: the path of an address is often a secret of its own. (Invariant 10) */
  get origin(): string {
    return new URL(this.#settings.url).origin;
  }

  get isSigned(): boolean {
    return this.#settings.secret !== undefined;
  }

  /** One attempt, in a limited time. Throws only when the signal is aborted. */
  async send(message: WebhookMessage, signal: AbortSignal): Promise<WebhookOutcome> {
    const body = messageBody(message);
    const { url, secret } = this.#settings;
    const timestamp = String(Math.round(this.#now() / 1000));
    const headers = {
      'content-type': 'application/json',
      'user-agent': `brimful/${this.#version}`,
      'x-brimful-delivery': message.id,
      'x-brimful-timestamp': timestamp,
      ...(secret === undefined ? {} : { 'x-brimful-signature': signatureOf(secret, timestamp, body) }),
    };
    const limit = AbortSignal.timeout(this.#attemptMilliseconds);
    const began = performance.now();
    const milliseconds = (): number => Math.round(performance.now() - began);
    try {
      const response = await fetch(url, {
        method: 'POST',
        headers,
        body,
        // A message must not end where nobody said it should.
        redirect: 'manual',
        signal: AbortSignal.any([signal, limit]),
      });
      await response.body?.cancel();
      return { ...outcomeOf(response.status), status: response.status, milliseconds: milliseconds() };
    } catch (thrown) {
      signal.throwIfAborted();
      const error = limit.aborted
        ? `no answer in ${this.#attemptMilliseconds / 1000} s`
        : `no connection: ${reasonOf(thrown)}`;
      return { state: 'again', status: null, error, milliseconds: milliseconds() };
    }
  }
}

function outcomeOf(status: number): Pick<WebhookOutcome, 'state' | 'error'> {
  if (status >= 200 && status < 300) return { state: 'delivered', error: null };
  const error = `the receiver answered ${status}`;
  return { state: status >= 500 || PASSING.has(status) ? 'again' : 'refused', error };
}

/** The system's word, such as ECONNREFUSED; messages may have the whole address in them. */
function reasonOf(thrown: unknown): string {
  const cause = thrown instanceof Error ? (thrown.cause ?? thrown) : thrown;
  if (cause instanceof Error && 'code' in cause && typeof cause.code === 'string') return cause.code;
  return cause instanceof Error ? cause.name : 'unknown';
}

/** Before the next attempt, after so many. */
export function pauseAfter(attempts: number): number {
  return Math.min(LONGEST_PAUSE_MILLISECONDS, FIRST_PAUSE_MILLISECONDS * 2 ** Math.max(0, attempts - 1));
}
