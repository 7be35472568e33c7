import { createHash } from 'node:crypto';
import { Problem } from '@brimful/model';

/** A page's retries come within minutes; a script's within a day. */
const KEPT_MILLISECONDS = 24 * 3_600_000;
export const KEYS_LIMIT = 1000;
const KEY_LIMIT_CHARACTERS = 200;

interface Done {
  readonly fingerprint: string;
  readonly answer: Promise<string>;
  readonly at: number;
}

/**
 * Writes with an idempotency key happen once: the same again gets the first one's answer, also while that is still at work.
 * What failed may be tried again. Kept in memory: a restart forgets it.
 */
export class Once {
  readonly #now: () => number;
  readonly #done = new Map<string, Done>();

  constructor(now: () => number) {
    this.#now = now;
  }

  /** Throws `BRM-API-KEY` when the key was used for something else. */
  async answer(
    key: string | undefined,
    who: string,
    asked: readonly string[],
    work: () => Promise<string>,
  ): Promise<{ readonly answer: string; readonly isReplayed: boolean }> {
    if (key === undefined) return { answer: await work(), isReplayed: false };
    if (key.length > KEY_LIMIT_CHARACTERS || key === '')
      throw wrongKey(`must have 1 to ${KEY_LIMIT_CHARACTERS} characters`);
    const place = `${who} ${key}`;
    const fingerprint = createHash('sha256').update(JSON.stringify(asked)).digest('base64');
    const done = this.#done.get(place);
    if (done !== undefined && done.at + KEPT_MILLISECONDS > this.#now()) {
      if (done.fingerprint !== fingerprint) throw wrongKey('was used for something else before');
      return { answer: await done.answer, isReplayed: true };
    }
    const answer = work();
    this.#done.set(place, { fingerprint, answer, at: this.#now() });
    this.#forget();
    try {
      return { answer: await answer, isReplayed: false };
    } catch (thrown) {
      this.#done.delete(place);
      throw thrown;
    }
  }

  #forget(): void {
    if (this.#done.size <= KEYS_LIMIT) return;
    const oldest = this.#done.keys().next().value;
    if (oldest !== undefined) this.#done.delete(oldest);
  }
}

function wrongKey(why: string): Problem {
  return new Problem('BRM-API-KEY', `The Idempotency-Key ${why}.`, {
    remedy: 'Give every new request a key of its own, for example a random one.',
  });
}
