import type { Position, StreamSlice } from '@brimful/connector';
import { STREAM_BUFFER_BYTES } from '@brimful/connector';
import type { Problem } from '@brimful/model';
import {
  encodeStandbyStatus,
  KEEPALIVE,
  replyRequested,
  serverEnd,
  XLOG_DATA,
  XLOG_HEADER_BYTES,
  xlogStart,
} from '../wire/pgoutput-frames.ts';
import type { RelationInfo } from '../wire/pgoutput-relation.ts';
import type { RawSession } from '../wire/raw-session.ts';
import type { ChangeBuffer } from './change-buffer.ts';

/** An open transaction is cut once so much of it waits: the consumer writes while we decode on. */
const CUT_BYTES = 4 * 1024 * 1024;
/** Slices that only move the position are for lag and acknowledgement: they need not come faster. */
const POSITION_MILLISECONDS = 100;
/** The server ends a walsender it has not heard of for wal_sender_timeout (60 s by default). */
const STATUS_MILLISECONDS = 5_000;

export interface ChangeStreamOptions {
  readonly session: RawSession;
  readonly buffer: ChangeBuffer;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Less than half of the server's wal_sender_timeout. */
  readonly statusMilliseconds?: number;
  /** Settles a relation at once, or says that `resolve` is needed. */
  readonly settle: (info: RelationInfo, reaching: Position) => boolean;
  readonly resolve: (info: RelationInfo) => Promise<void>;
  /** What the stream's end means. */
  readonly explain: (error: unknown) => Problem;
}

/**
 * The replication connection: feeds the buffer, hands out slices as fast as the consumer asks, and tells the server how
 * far we are. The server waits while the buffer is full or a shape is looked up. (Invariant 9)
 */
export class ChangeStream {
  readonly #options: ChangeStreamOptions;
  readonly #timer: NodeJS.Timeout;
  #received: Position;
  #acknowledged: Position;
  #sentAt = 0;
  #resolving = false;
  #scheduled = false;
  #wake: (() => void) | undefined;
  #failure: unknown;
  #ended = false;
  #deliveredPosition: Position;
  #deliveredAt = 0;
  #urgent = false;

  constructor(options: ChangeStreamOptions, start: Position) {
    this.#options = options;
    this.#received = start;
    this.#acknowledged = start;
    this.#deliveredPosition = options.buffer.passed;
    const every = Math.min(options.statusMilliseconds ?? STATUS_MILLISECONDS, STATUS_MILLISECONDS);
    this.#timer = setInterval(() => this.#tick(every), Math.min(every / 2, POSITION_MILLISECONDS));
  }

  async start(command: string): Promise<void> {
    let started = false;
    await this.#options.session.stream(command, this.#onData, (error) => {
      if (started) this.#end(error);
    });
    started = true;
    this.#sendStatus(false);
  }

  /** Invariant 1: the only thing ever reported as durable. */
  acknowledge(position: Position): void {
    if (position <= this.#acknowledged) return;
    this.#acknowledged = position;
    this.#sendStatus(false);
  }

  get acknowledged(): Position {
    return this.#acknowledged;
  }

  /** Somebody waits for the position: the next slice is due as soon as it has moved. */
  hurry(): void {
    this.#urgent = true;
    this.notify();
  }

  /** Looks again whether there is something to hand over. */
  notify(): void {
    this.#wake?.();
  }

  /** Called by the buffer for every Relation message. */
  relation(info: RelationInfo): boolean {
    if (this.#options.settle(info, this.#options.buffer.reaching)) return true;
    this.#resolving = true;
    this.#options.session.suspend();
    this.#options.resolve(info).then(
      () => {
        this.#resolving = false;
        this.#resume();
      },
      (error: unknown) => this.#end(error),
    );
    return false;
  }

  async *slices(signal: AbortSignal): AsyncIterable<StreamSlice> {
    const onAbort = (): void => this.notify();
    signal.addEventListener('abort', onAbort);
    try {
      while (!signal.aborted) {
        if (this.#failure !== undefined) throw this.#options.explain(this.#failure);
        if (!this.#isDue()) {
          await new Promise<void>((wake) => {
            this.#wake = wake;
          });
          this.#wake = undefined;
          continue;
        }
        const slice = this.#options.buffer.take();
        this.#deliveredPosition = slice.passed;
        this.#deliveredAt = this.#options.now();
        this.#urgent = false;
        this.#resume();
        yield slice;
      }
    } finally {
      signal.removeEventListener('abort', onAbort);
    }
  }

  close(): void {
    this.#ended = true;
    clearInterval(this.#timer);
    this.#options.session.close();
    this.notify();
  }

  readonly #onData = (_type: number, frame: Uint8Array, start: number, end: number): void => {
    const { buffer, session } = this.#options;
    buffer.sourceEnd = max(buffer.sourceEnd, serverEnd(frame, start));
    if (frame[start] === XLOG_DATA) {
      this.#received = max(this.#received, xlogStart(frame, start));
      buffer.decode(frame, start + XLOG_HEADER_BYTES, end);
      if (buffer.bytes >= STREAM_BUFFER_BYTES) session.suspend();
    } else if (frame[start] === KEEPALIVE) {
      buffer.keepalive(serverEnd(frame, start));
      this.#received = max(this.#received, buffer.passed + 1n);
      if (replyRequested(frame, start)) this.#sendStatus(false);
    }
    this.#schedule();
  };

  /** Once per piece of the socket, not per message: the whole piece is decoded before anyone wakes. */
  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    queueMicrotask(() => {
      this.#scheduled = false;
      if (this.#isDue()) this.notify();
    });
  }

  #isDue(): boolean {
    const { buffer, now } = this.#options;
    if (this.#failure !== undefined || buffer.bytes >= CUT_BYTES) return true;
    // A cut transaction is worth it only for size: its end is on the wire already.
    if (buffer.inTransaction || this.#resolving) return false;
    if (buffer.hasParts) return true;
    if (buffer.passed <= this.#deliveredPosition) return false;
    return this.#urgent || now() - this.#deliveredAt >= POSITION_MILLISECONDS;
  }

  #resume(): void {
    const { buffer, session } = this.#options;
    if (this.#resolving || this.#ended || buffer.bytes >= STREAM_BUFFER_BYTES) return;
    if (session.suspended) session.resume();
    this.#schedule();
  }

  #tick(every: number): void {
    if (this.#isDue()) this.notify();
    // Also while the server waits for us to read: what it hears keeps it from giving us up.
    if (this.#options.now() - this.#sentAt >= every) this.#sendStatus(false);
  }

  #sendStatus(replyRequested: boolean): void {
    const now = this.#options.now();
    this.#sentAt = now;
    this.#options.session.write(
      encodeStandbyStatus({
        written: max(this.#received, this.#acknowledged),
        flushed: this.#acknowledged,
        applied: this.#acknowledged,
        now: BigInt(now) * 1000n,
        replyRequested,
      }),
    );
  }

  #end(error: unknown): void {
    if (this.#ended) return;
    this.#failure ??= error ?? new Error('the server ended the stream');
    clearInterval(this.#timer);
    this.notify();
  }
}

function max(a: Position, b: Position): Position {
  return a > b ? a : b;
}
