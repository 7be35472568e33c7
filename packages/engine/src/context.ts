import type { ConnectorContext } from '@brimful/connector';
import type { Store } from '@brimful/store';

/** What every task of the engine is given: its only way to the outside. */
export interface EngineContext extends ConnectorContext {
  readonly store: Store;
  readonly compression: Compression;
  readonly memory: Budget;
  /**
   * Memory for reading states of collections, apart from `memory`: whoever reads a state takes from that meanwhile, so that
   * one budget for both could wait for itself. Absent: a pool of `STATE_POOL_BYTES` for each store.
   */
  readonly states?: Budget;
}

/** Whole-file zstd, off the calling thread. */
export interface Compression {
  /** One file of the parts, which must not change meanwhile. */
  compress(parts: readonly Uint8Array[]): Promise<Uint8Array>;
  /** `expectedBytes`: about how much will come out, so that it comes in one piece. */
  decompress(bytes: Uint8Array, expectedBytes: number): Promise<Uint8Array>;
}

/** Bytes that all tasks together may hold. (Invariant 9) */
export interface Budget {
  /** Waits until `bytes` fit. One request larger than the whole budget waits until it is alone. */
  take(bytes: number, signal: AbortSignal): Promise<Lease>;
}

export interface Lease {
  /** Gives the bytes back. A second call does nothing. */
  release(): void;
}
