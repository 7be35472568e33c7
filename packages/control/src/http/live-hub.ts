import type { LiveEvents, Topic } from '@brimful/api';
import { Problem } from '@brimful/model';
import type { HttpTarget } from './http-target.ts';
import type { Shown } from './shown.ts';
import { runSummary } from './run-summary.ts';
import type { VerificationBook } from './verification-book.ts';

/** Room for two hundred open pages and some programs. */
export const LISTENERS_LIMIT = 256;
const STATUS_EVERY_MILLISECONDS = 1000;
const SIGN_OF_LIFE_MILLISECONDS = 5000;
/** Runs that a new listener is told about. */
const RUNS_LIMIT = 200;
const FIRST_LOG_LINES = 100;
/** Waiting for one slow listener; beyond, the oldest are left out. (Invariant 9) */
const WAITING_LINES_LIMIT = 500;
const WAITING_LIMIT = 1000;
/** So many at once: to look for the oldest one each time would cost more than to send it. */
const LEFT_OUT_AT_ONCE = 100;
const RETRY_MILLISECONDS = 1000;

const encoder = new TextEncoder();

/** Everything live, to any number of listeners: each message is made once, whoever hears it. */
export class LiveHub {
  readonly #target: HttpTarget;
  readonly #verifications: VerificationBook;
  readonly #shown: Shown;
  readonly #listeners = new Set<Listener>();
  readonly #runs = new Map<string, Uint8Array>();
  readonly #ending = new AbortController();
  readonly #ends: (() => void)[];
  readonly #timers: readonly NodeJS.Timeout[];
  #status: { readonly madeAt: number; readonly message: Uint8Array } | undefined;

  constructor(target: HttpTarget, verifications: VerificationBook, shown: Shown) {
    this.#target = target;
    this.#verifications = verifications;
    this.#shown = shown;
    this.#ends = [
      target.logs.listen((entry) => this.#tell('logs', `log ${entry.sequence}`, 'log', entry)),
      target.alerts.listen((one) => this.#tell('alerts', `alert ${one.number}`, 'alert', one)),
      verifications.listen((one) => this.#tell('verifications', one.id, 'verification', one)),
    ];
    this.#timers = [
      setInterval(() => this.#tellStatus(), STATUS_EVERY_MILLISECONDS),
      setInterval(() => this.#listeners.forEach((one) => one.live()), SIGN_OF_LIFE_MILLISECONDS),
    ];
    void this.#watchRuns();
  }

  get listeners(): number {
    return this.#listeners.size;
  }

  /** A `text/event-stream`. Throws `BRM-API-BUSY` when too many listen. */
  listen(topics: ReadonlySet<Topic>): ReadableStream<Uint8Array> {
    if (this.#listeners.size >= LISTENERS_LIMIT) {
      throw new Problem('BRM-API-BUSY', `${LISTENERS_LIMIT} others listen already.`, {
        kind: 'retry',
        remedy: 'Close pages that nobody looks at.',
      });
    }
    const listener = new Listener(topics, () => this.#listeners.delete(listener));
    this.#listeners.add(listener);
    listener.tell('status', 'status', this.#newestStatus());
    for (const [id, message] of this.#runs) listener.tell('runs', id, message);
    for (const one of this.#verifications.list().reverse()) {
      listener.tell('verifications', one.id, this.#message('verification', one));
    }
    for (const entry of this.#target.logs.newest(FIRST_LOG_LINES, 'info', 0)) {
      listener.tell('logs', `log ${entry.sequence}`, this.#message('log', entry));
    }
    const { open, recent } = this.#target.alerts.list();
    for (const one of [...open, ...recent])
      listener.tell('alerts', `alert ${one.number}`, this.#message('alert', one));
    return listener.stream;
  }

  stop(): void {
    this.#ending.abort();
    for (const end of this.#ends) end();
    for (const timer of this.#timers) clearInterval(timer);
    for (const listener of this.#listeners) listener.end();
  }

  #tellStatus(): void {
    if (this.#listeners.size === 0) return;
    this.#status = undefined;
    const message = this.#newestStatus();
    for (const listener of this.#listeners) listener.tell('status', 'status', message);
  }

  /** Made once for all who come within a moment: after a restart every open page comes back at once. */
  #newestStatus(): Uint8Array {
    const now = performance.now();
    if (this.#status === undefined || now - this.#status.madeAt >= STATUS_EVERY_MILLISECONDS)
      this.#status = { madeAt: now, message: this.#message('status', this.#target.status()) };
    return this.#status.message;
  }

  #tell<Name extends keyof LiveEvents>(topic: Topic, key: string, event: Name, data: LiveEvents[Name]): void {
    if (this.#listeners.size === 0) return;
    const message = this.#message(event, data);
    for (const listener of this.#listeners) listener.tell(topic, key, message);
  }

  #message<Name extends keyof LiveEvents>(event: Name, data: LiveEvents[Name]): Uint8Array {
    return encoder.encode(`event: ${event}\ndata: ${this.#shown(data)}\n\n`);
  }

  async #watchRuns(): Promise<void> {
    const { signal } = this.#ending;
    while (!signal.aborted) {
      try {
        for await (const run of this.#target.backfills.watch(signal)) {
          const message = this.#message('run', runSummary(run));
          this.#runs.delete(run.id);
          this.#runs.set(run.id, message);
          if (this.#runs.size > RUNS_LIMIT) this.#forgetOldestRun();
          for (const listener of this.#listeners) listener.tell('runs', run.id, message);
        }
      } catch (thrown) {
        if (signal.aborted) return;
        this.#target.logs.add('warn', { error: thrown }, 'Changes of runs are not seen for a moment');
      }
      await new Promise((resolve) => setTimeout(resolve, RETRY_MILLISECONDS));
    }
  }

  #forgetOldestRun(): void {
    const oldest = this.#runs.keys().next().value;
    if (oldest !== undefined) this.#runs.delete(oldest);
  }
}

/** One open page. What it has not taken yet is replaced by what came after it: it is never far behind. */
class Listener {
  readonly stream: ReadableStream<Uint8Array>;
  readonly #topics: ReadonlySet<Topic>;
  readonly #waiting = new Map<string, Uint8Array>();
  #lines = 0;
  #bell = Promise.withResolvers<void>();
  #ended = false;

  constructor(topics: ReadonlySet<Topic>, onGone: () => void) {
    this.#topics = topics;
    this.stream = new ReadableStream<Uint8Array>(
      {
        pull: async (controller) => {
          while (this.#waiting.size === 0 && !this.#ended) {
            await this.#bell.promise;
            this.#bell = Promise.withResolvers();
          }
          for (const message of this.#waiting.values()) controller.enqueue(message);
          this.#waiting.clear();
          this.#lines = 0;
          if (this.#ended) {
            onGone();
            controller.close();
          }
        },
        cancel: () => {
          this.#ended = true;
          this.#bell.resolve();
          onGone();
        },
      },
      { highWaterMark: 1 },
    );
  }

  tell(topic: Topic, key: string, message: Uint8Array): void {
    if (!this.#topics.has(topic)) return;
    // What is newest comes last, so that what is left out is what changed longest ago.
    this.#waiting.delete(key);
    this.#waiting.set(key, message);
    if (topic === 'logs' && (this.#lines += 1) > WAITING_LINES_LIMIT)
      this.#lines -= this.#leaveOut((other) => other.startsWith('log '));
    // Never the status: it is what all pages live on, and there is one. Whoever misses a run asks for it.
    if (this.#waiting.size > WAITING_LIMIT) this.#leaveOut((other) => other !== 'status');
    this.#bell.resolve();
  }

  /** So that the other side sees that we live, also where nothing changes. */
  live(): void {
    this.#waiting.set('', SIGN_OF_LIFE);
    this.#bell.resolve();
  }

  end(): void {
    this.#ended = true;
    this.#bell.resolve();
  }

  /** The oldest of these. Answers with how many. */
  #leaveOut(isMeant: (key: string) => boolean): number {
    let left = 0;
    for (const key of this.#waiting.keys()) {
      if (!isMeant(key)) continue;
      this.#waiting.delete(key);
      left += 1;
      if (left === LEFT_OUT_AT_ONCE) break;
    }
    return left;
  }
}

const SIGN_OF_LIFE = encoder.encode(': still here\n\n');
