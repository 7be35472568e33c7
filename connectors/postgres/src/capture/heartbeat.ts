import type { SessionPool } from '../wire/session-pool.ts';
import { HEARTBEAT_PREFIX } from './change-buffer.ts';

/**
 * Writes one transactional message into the log: the stream brings it back as a commit beyond everything that was
 * written before, also where nothing else commits. No table is written. Calls while one is under way share the next.
 */
export class Heartbeat {
  readonly #pool: SessionPool;
  #running: Promise<void> | undefined;
  #next: Promise<void> | undefined;

  constructor(pool: SessionPool) {
    this.#pool = pool;
  }

  async beat(): Promise<void> {
    if (this.#running === undefined) return this.#emit();
    // The one under way may have been written before the caller's position.
    this.#next ??= this.#running
      .catch(() => undefined)
      .then(() => {
        this.#next = undefined;
        return this.#emit();
      });
    return this.#next;
  }

  #emit(): Promise<void> {
    const running = this.#pool
      .use((session) => session.query(`SELECT pg_logical_emit_message(true, '${HEARTBEAT_PREFIX}', '')`))
      .then(() => undefined)
      .finally(() => {
        if (this.#running === running) this.#running = undefined;
      });
    this.#running = running;
    return running;
  }
}
