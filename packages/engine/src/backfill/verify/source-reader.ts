import type { CaptureSession, Chunk, Position, ScanPlan, Snapshot } from '@brimful/connector';
import type { Batch, Range, Scope } from '@brimful/model';
import { Problem, batchBytes, rangeSet } from '@brimful/model';
import type { KeyList } from './key-log.ts';

/**
 * How fast the source may be read; whoever gives it decides. Per chunk: `pass`, then `reader`, then `take` for every
 * batch (bytes as decoded), then the reader is given back. All reject with the signal's reason.
 */
export interface VerifyPace {
  reader(signal: AbortSignal): Promise<() => void>;
  pass(signal: AbortSignal): Promise<void>;
  /** `openedFor`: what `chunkBytes` said when the chunk was opened, if it was cut by that. */
  take(bytes: number, signal: AbortSignal, openedFor?: number): Promise<void>;
  /** How large the next chunk may be. */
  chunkBytes(): number;
}

/** What the source's rows are as of. */
export interface ReadAsOf {
  /** Of the last chunk; the only one's where there was only one. */
  readonly snapshot: Snapshot | undefined;
  /** Once the stream passed it, everything that committed before the reads ended was delivered. */
  readonly passed: Position;
}

/** A table that is rewritten more often while it is read has no state to compare. */
const REWRITES_LIMIT = 3;

/** Reads one source table for a verification: one chunk at a time, at the pace it is given. Never holds up the stream. */
export class SourceReader {
  readonly #session: Pick<CaptureSession, 'plan' | 'next' | 'scan' | 'scanKeys'>;
  readonly #resource: string;
  readonly #pace: VerifyPace;
  readonly #signal: AbortSignal;

  constructor(
    session: Pick<CaptureSession, 'plan' | 'next' | 'scan' | 'scanKeys'>,
    resource: string,
    pace: VerifyPace,
    signal: AbortSignal,
  ) {
    this.#session = session;
    this.#resource = resource;
    this.#pace = pace;
    this.#signal = signal;
  }

  /** Reads what is in scope. When the table is rewritten meanwhile, `restart` is called and it is read anew. */
  async scan(
    scope: Scope | undefined,
    take: (batch: Batch) => Promise<void>,
    restart: () => Promise<void>,
  ): Promise<ReadAsOf> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        const plan = await this.#session.plan(this.#resource, scope);
        return await this.#ranges(plan, take);
      } catch (thrown) {
        if (!(thrown instanceof Problem) || thrown.code !== 'BRM-SCAN-MOVED' || attempt === REWRITES_LIMIT)
          throw thrown;
        await restart();
      }
    }
  }

  /** Looks keys up. */
  async keys(keys: KeyList, take: (batch: Batch) => Promise<void>): Promise<ReadAsOf> {
    return this.#chunk(
      () => this.#session.scanKeys(this.#resource, keys.columns, keys.rows, this.#signal),
      take,
      false,
    );
  }

  async #ranges(plan: ScanPlan, take: (batch: Batch) => Promise<void>): Promise<ReadAsOf> {
    let asOf: ReadAsOf = { snapshot: undefined, passed: 0n };
    for (let remaining = plan.total; remaining.length > 0;) {
      let next: Range | undefined;
      const read = await this.#chunk(
        (cutAtBytes) => {
          next = this.#session.next(plan, remaining, cutAtBytes);
          return this.#session.scan(this.#resource, plan, next, this.#signal);
        },
        take,
        plan.divisible,
      );
      asOf = later(asOf, read);
      remaining = rangeSet.subtract(remaining, next === undefined ? [] : [next]);
    }
    return asOf;
  }

  async #chunk(
    open: (cutAtBytes: number) => Promise<Chunk>,
    take: (batch: Batch) => Promise<void>,
    isCut: boolean,
  ): Promise<ReadAsOf> {
    // First the pace: who is held back takes nobody's place.
    await this.#pace.pass(this.#signal);
    const giveBack = await this.#pace.reader(this.#signal);
    try {
      // After all waiting: as large as the rate is by now.
      const cutAtBytes = this.#pace.chunkBytes();
      await using chunk = await open(cutAtBytes);
      for await (const batch of chunk.batches) {
        this.#signal.throwIfAborted();
        await take(batch);
        await this.#pace.take(batchBytes(batch), this.#signal, isCut ? cutAtBytes : 0);
      }
      return await chunk.finish();
    } finally {
      giveBack();
    }
  }
}

export function later(a: ReadAsOf, b: ReadAsOf): ReadAsOf {
  return a.passed > b.passed ? { snapshot: b.snapshot, passed: a.passed } : b;
}
