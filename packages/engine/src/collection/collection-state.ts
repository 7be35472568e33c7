import type { Batch, Schema } from '@brimful/model';
import { keyIndices } from '@brimful/model';
import type { Offset, Store } from '@brimful/store';
import type { Budget, EngineContext } from '../context.ts';
import { ByteBudget } from '../flow/byte-budget.ts';
import { sleep } from '../flow/pause-gate.ts';
import { holdHistory } from './history-hold.ts';
import { costBytes, remainingRows } from './key-state.ts';
import { rowsWhere, selectRows } from './select-rows.ts';
import type { SpillFile } from './spill.ts';
import { Spill } from './spill.ts';
import { SPREAD_LEVELS, Spread, keyHashes } from './spread.ts';
import type { StateRequest } from './state-source.ts';
import { StateSource } from './state-source.ts';
import type { TiedKeys } from './tied-keys.ts';

export interface ReadStateOptions {
  /** Entries below are in the state. The journal must have reached this. */
  readonly asOf: Offset;
  /** Changes of transactions that this says no to are left out, from `seesFrom` on. */
  readonly sees?: (transaction: bigint) => boolean;
  /** Where the first change lies that `sees` must be asked about; default 0. The later, the less is read: see `Base`. */
  readonly seesFrom?: Offset;
  /** Only these keys, by both halves of their hash (`hashRows` of the key's columns in key order). */
  readonly only?: KeyFilter;
  /** Memory for rows that are being folded; default `STATE_COST_BYTES`. */
  readonly costBytes?: number;
  readonly signal: AbortSignal;
}

export type KeyFilter = (high: number, low: number) => boolean;

/** Rows of a state. A key's row is in one partition; partitions follow one another, numbered from 0. */
export interface StatePiece {
  readonly partition: number;
  /** Complete rows: nothing unknown, no changes. In the newest schema below `asOf`. */
  readonly batch: Batch;
}

/** Rows that are folded at once, with what folding costs. Twice as much is held: the result, or buffers of parts. */
const STATE_COST_BYTES = 8 * 1024 * 1024;
/** What a state takes from the pool in units of the above: rows held, their copy, a batch that is just read. */
const LEASE_FACTOR = 2.5;
/** Two states at once: one is usually read by a run while another is compacted. */
const STATE_POOL_BYTES = 2 * STATE_COST_BYTES * LEASE_FACTOR;
const pools = new WeakMap<Store, Budget>();
/** Rows come in batches of about this size. */
export const STATE_BATCH_BYTES = 1024 * 1024;
/** After so many rows others have their turn. */
const BREATH_ROWS = 50_000;

/**
 * The rows of a generation after every entry below `asOf`: each key once, complete, as a table would hold them that took
 * the journal in. A collection without a key: as many copies of a row as there are.
 *
 * Whatever the journal's size, memory stays at about `costBytes` times 2.5, which is leased from `context.states` until the
 * iteration ends (so do not begin another inside it): what does not fit is spread over scratch files by the hashes of the
 * keys. (Invariant 9) Two things stay together, however large: the rows of keys that changes of key with unknown columns
 * tie together (at most some thousand keys at once), and, without a key, equal rows. End the iteration, or abort it:
 * history is held until then.
 *
 * Throws `BRM-STORE-CORRUPT` where a blob is not what was written, `BRM-STORE-TRIMMED` when `asOf` or `seesFrom` lies
 * below what is left of history.
 */
export async function* readState(
  context: EngineContext,
  collection: string,
  generation: number,
  options: ReadStateOptions,
): AsyncIterable<StatePiece> {
  const state = await openState(context, collection, generation, options);
  try {
    yield* state.pieces();
  } finally {
    await state[Symbol.asyncDispose]();
  }
}

/** A state that can be asked about itself before its rows are read. Iterate `pieces` once, then dispose of it. */
export interface OpenState extends AsyncDisposable {
  readonly schema: Schema | undefined;
  /** See `StateSource.completeFrom`. */
  readonly completeFrom: Offset | undefined;
  pieces(): AsyncIterable<StatePiece>;
}

export async function openState(
  context: EngineContext,
  collection: string,
  generation: number,
  request: StateRequest & Pick<ReadStateOptions, 'only' | 'costBytes'>,
): Promise<OpenState> {
  // First the hold, then the look for a base: what is found stays.
  const hold = holdHistory(context.store, collection, generation, 0);
  try {
    const source = await StateSource.open(context, collection, generation, request);
    const limit = request.costBytes ?? STATE_COST_BYTES;
    const lease = await poolOf(context).take(limit * LEASE_FACTOR, request.signal);
    const spill = source.schema && new Spill(context, `${collection}/${generation}`, source.schema);
    return {
      schema: source.schema,
      completeFrom: source.completeFrom,
      pieces: async function* () {
        if (spill === undefined || source.schema === undefined) return;
        const reader = new StateReader(source, source.schema, spill, limit, request);
        yield* reader.pieces(request.asOf);
      },
      [Symbol.asyncDispose]: async () => {
        lease.release();
        hold[Symbol.dispose]();
        await spill?.clear();
      },
    };
  } catch (thrown) {
    hold[Symbol.dispose]();
    throw thrown;
  }
}

function poolOf({ states, store }: EngineContext): Budget {
  if (states !== undefined) return states;
  const pool = pools.get(store) ?? new ByteBudget(STATE_POOL_BYTES);
  pools.set(store, pool);
  return pool;
}

class StateReader {
  readonly #source: StateSource;
  readonly #schema: Schema;
  readonly #keyColumns: readonly number[];
  readonly #spill: Spill;
  readonly #limitBytes: number;
  readonly #only: KeyFilter | undefined;
  readonly #signal: AbortSignal;
  #partition = 0;
  #rowsSinceBreath = 0;

  constructor(
    source: StateSource,
    schema: Schema,
    spill: Spill,
    limitBytes: number,
    { only, signal }: { readonly only?: KeyFilter; readonly signal: AbortSignal },
  ) {
    this.#source = source;
    this.#schema = schema;
    this.#keyColumns = keyIndices(schema);
    this.#spill = spill;
    this.#limitBytes = limitBytes;
    this.#only = only;
    this.#signal = signal;
  }

  /** In windows, each with the state that the one before left as its beginning: one, unless very many keys are tied. */
  async *pieces(asOf: Offset): AsyncIterable<StatePiece> {
    let start = this.#source.scanned();
    let from = this.#source.changesFrom;
    // What fits anyway is never spread, so nobody need know which keys are tied.
    const fits = this.#source.costBytes <= this.#limitBytes;
    for (;;) {
      const window = fits ? undefined : await this.#source.ties(from, this.#limitBytes);
      const until = window?.until ?? asOf;
      const rows = chain(start, this.#source.changes(from, until));
      const level = fits ? SPREAD_LEVELS : 0;
      if (until >= asOf) {
        const filtered = window === undefined ? rows : this.#filtered(rows, window.keys);
        yield* this.#fold(filtered[Symbol.asyncIterator](), level, window?.keys, this.#only);
        return;
      }
      const state = this.#fold(rows[Symbol.asyncIterator](), level, window?.keys, undefined);
      start = this.#spill.take(await this.#putAside(state), this.#signal);
      from = until;
    }
  }

  /** Folds rows of keys that belong together. What is too much, even folded, is spread. */
  async *#fold(
    rows: AsyncIterator<Batch>,
    level: number,
    ties: TiedKeys | undefined,
    only: KeyFilter | undefined,
  ): AsyncIterable<StatePiece> {
    try {
      yield* this.#foldOn(rows, level, ties, only);
    } finally {
      await rows.return?.();
    }
  }

  async *#foldOn(
    rows: AsyncIterator<Batch>,
    level: number,
    ties: TiedKeys | undefined,
    only: KeyFilter | undefined,
  ): AsyncIterable<StatePiece> {
    let held: Batch[] = [];
    let cost = 0;
    let limit = this.#limitBytes;
    for (;;) {
      const next = await rows.next();
      if (next.done === true) break;
      held.push(next.value);
      cost += costBytes(next.value);
      // Invariant 9
      if (cost <= limit) continue;
      held = [...remainingRows(held, this.#schema, STATE_BATCH_BYTES)];
      cost = held.reduce((sum, batch) => sum + costBytes(batch), 0);
      await this.#breathe(held);
      if (cost <= limit / 2) continue;
      if (level < SPREAD_LEVELS) {
        yield* this.#spread(held, rows, level, ties, only);
        return;
      }
      limit = cost * 2;
    }
    for (const batch of remainingRows(held, this.#schema, STATE_BATCH_BYTES)) {
      const kept = only === undefined ? batch : this.#select(batch, only);
      if (kept.rows > 0) yield { partition: this.#partition, batch: kept };
    }
    this.#partition += 1;
    await this.#breathe(held);
  }

  async *#spread(
    held: Batch[],
    rows: AsyncIterator<Batch>,
    level: number,
    ties: TiedKeys | undefined,
    only: KeyFilter | undefined,
  ): AsyncIterable<StatePiece> {
    const spread = new Spread(this.#spill, this.#schema, level, ties);
    for (const batch of held) await spread.add(batch);
    // Given up here, not when the caller's turn comes again: that is after all parts.
    held.length = 0;
    for (let next = await rows.next(); next.done !== true; next = await rows.next())
      await spread.add(next.value);
    for (const file of await spread.finish()) {
      const part = this.#spill.take(file, this.#signal);
      yield* this.#fold(part[Symbol.asyncIterator](), level + 1, ties, only);
    }
  }

  async #putAside(pieces: AsyncIterable<StatePiece>): Promise<SpillFile> {
    const parts: SpillFile['parts'][number][] = [];
    for await (const { batch } of pieces) parts.push(await this.#spill.put(batch));
    await this.#spill.flush();
    return { parts };
  }

  /** Leaves out early what is not asked for, but for keys that others may take values from. */
  async *#filtered(rows: AsyncIterable<Batch>, ties: TiedKeys): AsyncIterable<Batch> {
    const only = this.#only;
    for await (const batch of rows) {
      const mayMove = batch.changes?.oldKey !== undefined;
      if (only === undefined || mayMove) yield batch;
      else yield this.#select(batch, (high, low) => only(high, low) || ties.has(high, low));
    }
  }

  #select(batch: Batch, only: KeyFilter): Batch {
    const { high, low } = keyHashes(batch, this.#keyColumns);
    return selectRows(
      batch,
      rowsWhere(batch.rows, (row) => only(high[row] as number, low[row] as number)),
    );
  }

  /** A long fold must not hold up the stream. */
  async #breathe(done: readonly Batch[]): Promise<void> {
    for (const { rows } of done) this.#rowsSinceBreath += rows;
    if (this.#rowsSinceBreath < BREATH_ROWS) return;
    this.#rowsSinceBreath = 0;
    await sleep(0, this.#signal);
  }
}

async function* chain(...sources: readonly AsyncIterable<Batch>[]): AsyncIterable<Batch> {
  for (const source of sources) for await (const batch of source) if (batch.rows > 0) yield batch;
}
