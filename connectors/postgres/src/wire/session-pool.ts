import { Problem } from '@brimful/model';
import type { Endpoint } from './endpoint.ts';
import type { SessionOptions } from './raw-session.ts';
import { RawSession } from './raw-session.ts';

/** Long enough to serve the next chunk, short enough not to hold connections of an idle capture. */
const IDLE_MILLISECONDS = 30_000;

/** At most `size` sessions, opened when needed and closed when idle. Waiters are served in order. */
export class SessionPool {
  readonly #endpoint: Endpoint;
  readonly #options: SessionOptions;
  readonly #size: number;
  readonly #idle: { readonly session: RawSession; readonly timer: NodeJS.Timeout }[] = [];
  readonly #waiting: (() => void)[] = [];
  readonly #busy = new Set<RawSession>();
  #taken = 0;
  #closed = false;

  constructor(endpoint: Endpoint, options: SessionOptions, size: number) {
    this.#endpoint = endpoint;
    this.#options = options;
    this.#size = size;
  }

  /** Lends a session for the time of `work`. */
  async use<T>(work: (session: RawSession) => Promise<T>): Promise<T> {
    const session = await this.take();
    try {
      return await work(session);
    } finally {
      await this.give(session);
    }
  }

  /** A session of the caller's own until it is given back. */
  async take(): Promise<RawSession> {
    while (this.#taken >= this.#size && !this.#closed) {
      await new Promise<void>((go) => this.#waiting.push(go));
    }
    if (this.#closed) throw closedProblem();
    this.#taken += 1;
    try {
      const session = this.#takeIdle() ?? (await RawSession.connect(this.#endpoint, this.#options));
      if (this.#closed) {
        session.close();
        throw closedProblem();
      }
      this.#busy.add(session);
      return session;
    } catch (error) {
      this.#release();
      throw error;
    }
  }

  /** A session that still runs something is ended, one left in a transaction rolled back. */
  async give(session: RawSession): Promise<void> {
    if (!this.#busy.has(session)) return;
    try {
      if (session.running) session.destroy();
      else if (session.inTransaction && !session.closed) await session.query('ROLLBACK');
    } catch {
      session.destroy();
    }
    this.#busy.delete(session);
    if (this.#closed) session.close();
    else if (!session.closed) this.#keep(session);
    this.#release();
  }

  close(): void {
    this.#closed = true;
    for (const { session, timer } of this.#idle.splice(0)) {
      clearTimeout(timer);
      session.close();
    }
    for (const session of this.#busy) session.destroy();
    for (const go of this.#waiting.splice(0)) go();
  }

  #takeIdle(): RawSession | undefined {
    for (let entry = this.#idle.pop(); entry !== undefined; entry = this.#idle.pop()) {
      clearTimeout(entry.timer);
      if (!entry.session.closed) return entry.session;
    }
    return undefined;
  }

  #keep(session: RawSession): void {
    const timer = setTimeout(() => {
      const index = this.#idle.findIndex((entry) => entry.session === session);
      if (index !== -1) this.#idle.splice(index, 1);
      session.close();
    }, IDLE_MILLISECONDS);
    timer.unref();
    this.#idle.push({ session, timer });
  }

  #release(): void {
    this.#taken -= 1;
    this.#waiting.shift()?.();
  }
}

function closedProblem(): Problem {
  return new Problem('BRM-PG-CONNECTION', 'The capture session was closed.', { kind: 'retry' });
}
