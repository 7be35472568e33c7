import type { Client, LogEntry } from '@brimful/api';
import { keyOf } from '../logs/log-words.ts';

/** Lines kept in the page; the server keeps as many. */
export const LINES_LIMIT = 2000;
/** Lines that come at once are drawn once. */
const DRAW_MILLISECONDS = 200;
const ASKED_LIMIT = 1000;
const LIMIT_MILLISECONDS = 30_000;

/**
 * The newest log lines, as they come over the page's one stream. What was said before the stream began, or while it was
 * lost, is asked for once somebody looks.
 */
export class LogTail {
  readonly #client: Client;
  readonly #listeners = new Set<() => void>();
  readonly #known = new Map<string, LogEntry>();
  #lines: readonly LogEntry[] | null = null;
  #isDue = false;

  constructor(client: Client) {
    this.#client = client;
  }

  /** The oldest first; null: none are known yet. */
  readonly lines = (): readonly LogEntry[] | null => this.#lines;

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    if (this.#listeners.size === 1) this.connected();
    return () => this.#listeners.delete(listener);
  };

  take(entries: readonly LogEntry[]): void {
    for (const entry of entries) this.#known.set(keyOf(entry), entry);
    if (this.#isDue) return;
    this.#isDue = true;
    setTimeout(() => this.#draw(), DRAW_MILLISECONDS);
  }

  /** The stream has begun, or begun again. */
  connected(): void {
    if (this.#listeners.size === 0) return;
    const signal = AbortSignal.timeout(LIMIT_MILLISECONDS);
    this.#client.call('listLogs', { query: { limit: ASKED_LIMIT } }, { signal }).then(
      ({ entries }) => this.take(entries),
      // The stream says that it is lost, and begins again: then they are asked for again.
      () => this.take([]),
    );
  }

  #draw(): void {
    this.#isDue = false;
    const sorted = [...this.#known.values()].toSorted(
      (left, right) => left.at - right.at || left.sequence - right.sequence,
    );
    for (const old of sorted.splice(0, Math.max(0, sorted.length - LINES_LIMIT)))
      this.#known.delete(keyOf(old));
    this.#lines = sorted;
    for (const listener of this.#listeners) listener();
  }
}
