import type { Chunk } from '@brimful/connector';
import { SCAN_BATCH_BYTES, SCAN_BATCH_ROWS } from '@brimful/connector';
import type { Batch, Schema } from '@brimful/model';
import { BatchBuilder } from '@brimful/model';
import { CopyDecoder } from '../types/copy-decoder.ts';
import type { DecoderCode } from '../types/decoder.ts';
import { parseLsn } from '../wire/pgoutput-frames.ts';
import type { FrameHandler } from '../wire/frame-reader.ts';
import type { ByteReader, RawSession } from '../wire/raw-session.ts';
import type { TextRow } from '../wire/text-row.ts';
import { readDataRow } from '../wire/text-row.ts';
import { problemOf } from '../wire/server-error.ts';
import { PostgresSnapshot } from './snapshot.ts';

/** Finished batches that may wait for the consumer before the server does. */
const BATCHES_AHEAD = 1;
const DATA_ROW = 0x44;
const COPY_OUT = 0x48;

export interface ChunkReaderOptions {
  readonly session: RawSession;
  readonly schema: Schema;
  readonly decoders: readonly DecoderCode[];
  /** For messages. */
  readonly table: string;
  /** Called once the session is no longer needed; also when the chunk is given up. */
  readonly release: () => Promise<void>;
  readonly finished: (bytes: number) => void;
}

/** One chunk while it is read: decodes what the server sends, and stops reading when nobody takes the batches. */
export class ChunkReader implements Chunk, ByteReader {
  readonly #options: ChunkReaderOptions;
  readonly #decoder: CopyDecoder;
  readonly #ready: Batch[] = [];
  readonly #rows: TextRow[] = [];
  /** What the check before the COPY said: snapshot, shape of the table, state of the leaves. */
  readonly #checked = Promise.withResolvers<TextRow>();
  #running: Promise<void> = Promise.resolve();
  #wake: (() => void) | undefined;
  #ended = false;
  #failure: Error | undefined;
  #bytes = 0;
  #released = false;

  constructor(options: ChunkReaderOptions) {
    this.#options = options;
    this.#decoder = new CopyDecoder({
      decoders: options.decoders,
      builder: new BatchBuilder(options.schema),
      onFrame: options.session.frame,
      table: options.table,
    });
    this.#checked.promise.catch(() => undefined);
  }

  /** Sends the chunk's statements; resolves with the check's row when the COPY begins. */
  async start(sql: string): Promise<TextRow> {
    this.#running = this.#options.session.run(sql, this.#onFrame, this).then(
      () => this.#end(undefined, undefined),
      (error: unknown) => this.#end(problemOf(error, `Reading ${this.#options.table}`), error),
    );
    return this.#checked.promise;
  }

  get batches(): AsyncIterable<Batch> {
    return this.#iterate();
  }

  async finish(): ReturnType<Chunk['finish']> {
    await this.#running;
    if (this.#failure !== undefined) throw this.#failure;
    const [[snapshot], [end]] = this.#rows as [TextRow, TextRow];
    // Commits that start before the end of the log may be visible; one that starts there is not written yet.
    return { snapshot: new PostgresSnapshot(snapshot as string), passed: parseLsn(end as string) - 1n };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#release();
  }

  push(buffer: Uint8Array, start: number, end: number): void {
    this.#decoder.push(buffer, start, end);
    const { builder } = this.#decoder;
    if (builder.rows < SCAN_BATCH_ROWS && builder.bytes < SCAN_BATCH_BYTES) return;
    this.#ready.push(this.#take());
    if (this.#ready.length > BATCHES_AHEAD) this.#options.session.pauseBytes();
    this.#wake?.();
  }

  readonly #onFrame: FrameHandler = (type, buffer, start) => {
    if (type === DATA_ROW) this.#rows.push(readDataRow(buffer, start));
    else if (type === COPY_OUT) this.#checked.resolve(this.#rows[0] as TextRow);
  };

  async *#iterate(): AsyncIterable<Batch> {
    for (;;) {
      const batch = this.#ready.shift();
      if (batch !== undefined) {
        if (!this.#ended) this.#options.session.resumeBytes();
        yield batch;
      } else if (this.#failure !== undefined) {
        throw this.#failure;
      } else if (this.#ended) {
        return;
      } else {
        await new Promise<void>((wake) => {
          this.#wake = wake;
        });
        this.#wake = undefined;
      }
    }
  }

  #take(): Batch {
    const batch = this.#decoder.take(new BatchBuilder(this.#options.schema)).finish();
    for (const { values, offsets } of batch.columns)
      this.#bytes += values.length + (offsets?.byteLength ?? 0);
    return batch;
  }

  /** `failure`: for the consumer. `cause`: for whoever waits for the start, and knows what codes mean. */
  #end(failure: Error | undefined, cause: unknown): void {
    this.#ended = true;
    this.#failure = failure;
    this.#options.session.resumeBytes();
    if (failure === undefined) {
      if (this.#decoder.builder.rows > 0) this.#ready.push(this.#take());
      this.#options.finished(this.#bytes);
      // The next chunk can have the session while this one's batches are still being written.
      void this.#release();
    } else {
      this.#checked.reject(cause);
    }
    this.#wake?.();
  }

  async #release(): Promise<void> {
    if (this.#released) return;
    this.#released = true;
    await this.#options.release();
  }
}
