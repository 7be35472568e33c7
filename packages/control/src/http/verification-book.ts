import type { Verification } from '@brimful/api';
import { Problem, toProblem } from '@brimful/model';
import type { ControlTarget, VerifyRequest } from '../control-target.ts';

/** Each reads whole tables: more at once would only slow each other down. */
export const VERIFICATIONS_AT_ONCE = 4;
/** Finished ones that are still shown. */
const KEPT_LIMIT = 50;

/** Verifications that were asked for over HTTP: they go on when the browser is closed. */
export class VerificationBook {
  readonly #target: ControlTarget;
  readonly #now: () => number;
  readonly #stop = new AbortController();
  readonly #cancels = new Map<string, AbortController>();
  readonly #all = new Map<string, Verification>();
  readonly #listeners = new Set<(verification: Verification) => void>();
  #count = 0;

  constructor(target: ControlTarget, now: () => number) {
    this.#target = target;
    this.#now = now;
  }

  /** Throws `BRM-API-BUSY` while too many go on. */
  start(request: VerifyRequest, who: string): Verification {
    if (this.#cancels.size >= VERIFICATIONS_AT_ONCE) {
      throw new Problem('BRM-API-BUSY', `${VERIFICATIONS_AT_ONCE} verifications go on already.`, {
        kind: 'retry',
        remedy: 'Wait for one of them, or cancel it.',
      });
    }
    this.#count += 1;
    const id = `verification-${this.#count}`;
    const started: Verification = {
      id,
      target: request.target,
      bindings: request.bindings === null ? null : [...request.bindings],
      level: request.level,
      state: 'running',
      who,
      startedAt: this.#now(),
      endedAt: null,
      progress: null,
      reports: [],
      problem: null,
    };
    const cancel = new AbortController();
    this.#cancels.set(id, cancel);
    this.#note(started);
    void this.#run(started, request, AbortSignal.any([cancel.signal, this.#stop.signal]));
    return started;
  }

  /** The newest first. */
  list(): Verification[] {
    return [...this.#all.values()].reverse();
  }

  /** Throws `BRM-VERIFICATION-UNKNOWN`. */
  find(id: string): Verification {
    const found = this.#all.get(id);
    if (found !== undefined) return found;
    throw new Problem('BRM-VERIFICATION-UNKNOWN', `There is no verification ${id}.`, {
      remedy: 'They are forgotten when Brimful stops. Start another one.',
    });
  }

  cancel(id: string): Verification {
    const found = this.find(id);
    this.#cancels.get(id)?.abort();
    return found;
  }

  listen(listener: (verification: Verification) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Ends those that go on. */
  stop(): void {
    this.#stop.abort();
  }

  async #run(started: Verification, request: VerifyRequest, signal: AbortSignal): Promise<void> {
    const { id } = started;
    try {
      const reports = await this.#target.verify({ ...request, author: started.who }, signal, (progress) => {
        this.#note({ ...this.find(id), progress: { ...progress } });
      });
      this.#end(id, { state: 'done', reports: [...reports] });
    } catch (thrown) {
      if (signal.aborted) this.#end(id, { state: 'cancelled' });
      else this.#end(id, { state: 'failed', problem: toProblem(thrown).toJSON() });
    }
  }

  #end(id: string, ended: Partial<Verification>): void {
    this.#cancels.delete(id);
    this.#note({ ...this.find(id), ...ended, endedAt: this.#now() });
    const over = [...this.#all.values()].filter(({ state }) => state !== 'running');
    for (const { id: old } of over.slice(0, -KEPT_LIMIT)) this.#all.delete(old);
  }

  #note(verification: Verification): void {
    this.#all.set(verification.id, verification);
    for (const tell of this.#listeners) tell(verification);
  }
}
