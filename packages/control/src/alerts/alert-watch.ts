import { setTimeout as elapsed } from 'node:timers/promises';
import type { Logger } from '@brimful/connector';
import type {
  Alert,
  AlertLimits,
  AlertSeverity,
  Run,
  RuntimeStatus,
  VerificationReport,
} from '@brimful/model';
import { ALERTS_KEY, Problem } from '@brimful/model';
import type { Registry } from '@brimful/store';
import type { AlertBook, Waiting } from './alert-book.ts';
import { acknowledge, newBook, NOTHING_WAITS, step } from './alert-book.ts';
import { alertsOf, EVENT_MILLISECONDS } from './alerts-of.ts';
import type { Standstill } from './standstill.ts';
import { standstill } from './standstill.ts';
import { newestReports } from './verification-conditions.ts';
import type { Webhook, WebhookOutcome } from './webhook.ts';
import type { Told } from './webhook-queue.ts';
import { attempted, enqueue } from './webhook-queue.ts';
import type { WebhookMessage } from './webhook-message.ts';
import { testMessage } from './webhook-message.ts';

/** How things stand with the webhook, for people. */
export interface WebhookState {
  readonly origin: string;
  readonly isSigned: boolean;
  readonly from: AlertSeverity;
  readonly waiting: number;
  readonly delivered: number;
  readonly failed: number;
  readonly last: { readonly at: number; readonly ok: boolean; readonly error: string | null } | null;
}

/** What others see of alerts, and may do with them. */
export interface AlertDesk {
  list(): {
    readonly open: readonly Alert[];
    readonly recent: readonly Alert[];
    readonly webhook: WebhookState | null;
  };
  /** Throws `BRM-ALERT-UNKNOWN` when no such alert is open. */
  acknowledge(id: string, who: string): Alert;
  /** Sends a test to the webhook, once. Throws `BRM-ALERT-WEBHOOK` when there is none. */
  test(): Promise<WebhookOutcome>;
  /** Calls back with every alert that changes, until what is returned is called. */
  listen(listener: (alert: Alert) => void): () => void;
}

/** What may become another while it watches. */
export interface AlertSettings {
  readonly limits: AlertLimits;
  readonly webhook: Webhook | undefined;
  /** Which severities the webhook is told of: this and worse. */
  readonly from: AlertSeverity;
}

export interface AlertWatchOptions extends AlertSettings {
  readonly registry: Registry;
  readonly status: () => RuntimeStatus;
  readonly log: Logger;
  readonly now: () => number;
  /** Default: `LOOK_MILLISECONDS`. */
  readonly lookMilliseconds?: number;
}

export const LOOK_MILLISECONDS = 2000;
/** Subjects whose newest report is remembered. (Invariant 9) */
const REPORTS_LIMIT = 2000;
/** Tests under way: each holds a connection. */
const TESTS_LIMIT = 2;

/** What stands in the registry under `ALERTS_KEY`. */
interface Kept extends AlertBook {
  readonly messages?: readonly WebhookMessage[];
}

/**
 * Looks at everything now and then, keeps the book of alerts durable, and tells the webhook. Nothing waits for it: what
 * it cannot write or send is said in the log and tried again. (Invariant 8)
 */
export class AlertWatch implements AlertDesk, AsyncDisposable {
  readonly #options: AlertWatchOptions;
  readonly #ending = new AbortController();
  readonly #listeners = new Set<(alert: Alert) => void>();
  readonly #runs = new Map<string, Run>();
  readonly #reports = new Map<string, VerificationReport>();
  readonly #loops: Promise<void>;
  #settings: AlertSettings;
  #told: Told;
  #waiting: Waiting = NOTHING_WAITS;
  #standstill: Standstill = new Map();
  #delivered = 0;
  #failed = 0;
  #tests = 0;
  #last: WebhookState['last'] = null;
  #isDirty = false;
  #bell = Promise.withResolvers<void>();

  private constructor(options: AlertWatchOptions, told: Told) {
    this.#options = options;
    this.#settings = options;
    this.#told = told;
    this.#loops = Promise.all([this.#look(), this.#keep(), this.#deliver()]).then(() => undefined);
  }

  /** Goes on with the alerts, and the messages that wait, of the last time. */
  static async open(options: AlertWatchOptions): Promise<AlertWatch> {
    const record = await options.registry.get<Kept>(ALERTS_KEY);
    const kept: Kept = record?.value ?? newBook(options.now());
    const { messages = [], ...book } = kept;
    return new AlertWatch(options, { book, messages: options.webhook === undefined ? [] : messages });
  }

  list(): ReturnType<AlertDesk['list']> {
    const { open, recent } = this.#told.book;
    return { open, recent, webhook: this.#webhookState() };
  }

  acknowledge(id: string, who: string): Alert {
    const { book, messages } = this.#told;
    const next = acknowledge(book, id, who, this.#options.now());
    const alert = next.open.find((candidate) => candidate.id === id);
    if (alert === undefined) {
      throw new Problem('BRM-ALERT-UNKNOWN', `No alert ${id} is open.`, {
        remedy: 'It may be over: look at the list of alerts.',
        at: { alert: id },
      });
    }
    this.#take({ book: next, messages }, [alert]);
    this.look();
    return alert;
  }

  async test(): Promise<WebhookOutcome> {
    const { webhook } = this.#settings;
    const { now } = this.#options;
    if (webhook === undefined) throw noWebhook();
    if (this.#tests >= TESTS_LIMIT) {
      throw new Problem('BRM-API-BUSY', 'Tests are under way already.', {
        kind: 'retry',
        remedy: 'Wait for it.',
      });
    }
    this.#tests += 1;
    try {
      const outcome = await webhook.send(testMessage(now()), this.#ending.signal);
      this.#note(outcome);
      return outcome;
    } finally {
      this.#tests -= 1;
    }
  }

  listen(listener: (alert: Alert) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** From now on. What waits for the webhook goes to the new one; without one it is forgotten. */
  follow(settings: AlertSettings): void {
    this.#settings = settings;
    if (settings.webhook === undefined) this.#take({ ...this.#told, messages: [] }, []);
    this.#ring();
  }

  noteRun(run: Run): void {
    this.#runs.set(run.id, run);
  }

  noteReports(reports: readonly VerificationReport[]): void {
    for (const report of reports) {
      this.#reports.delete(report.subject);
      this.#reports.set(report.subject, report);
    }
    for (const subject of [...this.#reports.keys()].slice(0, Math.max(0, this.#reports.size - REPORTS_LIMIT)))
      this.#reports.delete(subject);
  }

  /** Looks at once; otherwise it is done now and then. */
  look(): void {
    const { status, now, log } = this.#options;
    const { limits, from, webhook } = this.#settings;
    // Tasks that are being exchanged for others are nobody's news.
    if (status().reloading !== undefined) return;
    const at = now();
    this.#forgetRuns(at);
    const runs = [...this.#runs.values()];
    const seen = status();
    this.#standstill = standstill(this.#standstill, seen, runs);
    const { book } = this.#told;
    const findings = alertsOf(
      {
        status: seen,
        runs,
        verifications: newestReports([...this.#reports.values()], runs),
        limits,
        standstill: this.#standstill,
        open: new Set(book.open.map(({ id }) => id)),
        since: book.since,
      },
      at,
    );
    const next = step(book, this.#waiting, findings, at);
    this.#waiting = next.waiting;
    if (next.changes.length === 0) return;
    for (const { event, alert } of next.changes) {
      const fields = { alert: alert.id, severity: alert.severity, ...fieldsOf(alert) };
      if (event === 'raised') log[alert.severity === 'info' ? 'info' : 'warn'](fields, alert.sentence);
      if (event === 'cleared') log.info(fields, `over: ${alert.sentence}`);
    }
    const told = { book: next.book, messages: this.#told.messages };
    const changed = next.changes.map(({ alert }) => alert);
    this.#take(webhook === undefined ? told : enqueue(told, next.changes, from, at), changed);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#ending.abort();
    this.#ring();
    await this.#loops;
    // What nobody has written yet, the last time.
    if (this.#isDirty) await this.#write();
  }

  /** Runs that ended long ago are nobody's news. */
  #forgetRuns(now: number): void {
    for (const { id, endedAt } of this.#runs.values())
      if (endedAt !== null && now - endedAt > EVENT_MILLISECONDS) this.#runs.delete(id);
  }

  /** `changed`: alerts to tell listeners about, as they are in the new book. */
  #take(told: Told, changed: readonly Alert[]): void {
    this.#told = told;
    this.#isDirty = true;
    this.#ring();
    const { open, recent } = told.book;
    for (const { number } of changed) {
      const alert = [...open, ...recent].find((candidate) => candidate.number === number);
      if (alert !== undefined) for (const tell of this.#listeners) tell(alert);
    }
  }

  async #look(): Promise<void> {
    const { lookMilliseconds = LOOK_MILLISECONDS, log } = this.#options;
    while (!this.#ending.signal.aborted) {
      try {
        this.look();
      } catch (error) {
        log.error({ error }, 'Alerts could not be looked for');
      }
      await this.#rest(lookMilliseconds);
    }
  }

  /** One write at a time, of whatever the book is by then. */
  async #keep(): Promise<void> {
    while (!this.#ending.signal.aborted) {
      if (this.#isDirty) await this.#write();
      if (this.#isDirty) await this.#rest(LOOK_MILLISECONDS);
      else await this.#rung();
    }
  }

  async #write(): Promise<void> {
    const { registry, log } = this.#options;
    const { book, messages } = this.#told;
    this.#isDirty = false;
    try {
      await registry.put(ALERTS_KEY, { ...book, messages } satisfies Kept);
    } catch (error) {
      this.#isDirty = true;
      log.warn({ error }, 'Alerts could not be written down');
    }
  }

  /** One message after the other, in their order: what is over is never told before what was so. */
  async #deliver(): Promise<void> {
    const { now, log } = this.#options;
    const { signal } = this.#ending;
    while (!signal.aborted) {
      const [message] = this.#told.messages;
      const { webhook } = this.#settings;
      if (message === undefined || webhook === undefined) {
        await this.#rung();
        continue;
      }
      if (message.dueAt > now()) {
        await this.#rest(Math.min(message.dueAt - now(), LOOK_MILLISECONDS));
        continue;
      }
      try {
        const outcome = await webhook.send(message, signal);
        this.#note(outcome);
        if (outcome.state === 'refused')
          log.warn({ alert: message.alert.id, error: outcome.error }, 'The webhook refuses an alert');
        this.#take(attempted(this.#told, message.id, outcome, now()), [message.alert]);
      } catch (error) {
        if (signal.aborted) return;
        log.error({ error }, 'An alert could not be sent');
        await this.#rest(LOOK_MILLISECONDS);
      }
    }
  }

  #note({ state, error }: WebhookOutcome): void {
    if (state === 'delivered') this.#delivered += 1;
    else this.#failed += 1;
    this.#last = { at: this.#options.now(), ok: state === 'delivered', error };
  }

  #webhookState(): WebhookState | null {
    const { webhook, from } = this.#settings;
    if (webhook === undefined) return null;
    return {
      origin: webhook.origin,
      isSigned: webhook.isSigned,
      from,
      waiting: this.#told.messages.length,
      delivered: this.#delivered,
      failed: this.#failed,
      last: this.#last,
    };
  }

  async #rest(milliseconds: number): Promise<void> {
    const { signal } = this.#ending;
    await elapsed(milliseconds, undefined, { signal }).catch(() => undefined);
  }

  async #rung(): Promise<void> {
    await this.#bell.promise;
  }

  #ring(): void {
    const rung = this.#bell;
    this.#bell = Promise.withResolvers();
    rung.resolve();
  }
}

/** So that the lines of a task can be found by its name. */
function fieldsOf({ subject }: Alert): object {
  return { [subject.kind]: subject.name, ...(subject.table === undefined ? {} : { table: subject.table }) };
}

function noWebhook(): Problem {
  return new Problem('BRM-ALERT-WEBHOOK', 'There is no webhook that alerts are sent to.', {
    remedy: 'Set alerts.webhook in the configuration: webhook: ${ALERT_WEBHOOK_URL}',
  });
}
