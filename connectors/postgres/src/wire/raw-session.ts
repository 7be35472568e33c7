import type { Socket } from 'node:net';
import { Client } from 'pg';
import { Problem } from '@brimful/model';
import type { Endpoint } from './endpoint.ts';
import { describeEndpoint } from './endpoint.ts';
import type { FrameHandler } from './frame-reader.ts';
import { FrameReader } from './frame-reader.ts';
import { readServerMessage, ServerError } from './server-error.ts';
import { sessionOptions } from './session-settings.ts';
import type { TextRow } from './text-row.ts';
import { readDataRow } from './text-row.ts';
import { connectProblem } from './connect-problem.ts';
import { IntakeSocket } from './intake-socket.ts';

export interface SessionOptions {
  /** Shown in pg_stat_activity behind `brimful`: `shop/postgres stream`. */
  readonly purpose: string;
  /** A walsender, which takes replication commands and plain SQL. */
  readonly replication?: boolean;
  readonly settings?: Readonly<Record<string, string>>;
}

/** Anything that takes raw bytes from the backend and reports messages to `RawSession.frame`: a COPY decoder. */
export interface ByteReader {
  push(buffer: Uint8Array, start: number, end: number): void;
}

const KEEPALIVE_AFTER_MILLISECONDS = 20_000;
const TERMINATE = Uint8Array.of(0x58, 0, 0, 0, 4);
const Frame = {
  query: 0x51,
  ready: 0x5a,
  error: 0x45,
  dataRow: 0x44,
  copyBoth: 0x57,
  copyData: 0x64,
} as const;

/**
 * A Postgres session that speaks the simple query protocol on the bare socket. `pg` connects and authenticates; from
 * then on bytes go straight to whoever decodes them, because walking the socket ourselves costs half of pg's parser.
 * One statement (or several, separated by semicolons) at a time.
 */
export class RawSession {
  readonly processId: number;
  readonly #socket: Socket;
  readonly #place: string;
  readonly #reader: FrameReader;
  #bytes: ByteReader | undefined;
  #onFrame: FrameHandler | undefined;
  #pending: { resolve(): void; reject(error: unknown): void } | undefined;
  #error: ServerError | undefined;
  #closed: Problem | undefined;
  #inTransaction = false;

  /** Throws a Problem that says what is wrong with the address, the network or the login. */
  static async connect(endpoint: Endpoint, options: SessionOptions): Promise<RawSession> {
    const config = {
      host: endpoint.host,
      port: endpoint.port,
      user: endpoint.user,
      database: endpoint.database,
      // An absent password must not make pg look into PGPASSWORD or ~/.pgpass.
      password: endpoint.password ?? '',
      ssl: endpoint.ssl,
      // TLS needs a socket whose bytes it can take itself.
      ...(endpoint.ssl === false || endpoint.ssl === undefined ? { stream: () => new IntakeSocket() } : {}),
      application_name: `brimful ${options.purpose}`.slice(0, 63),
      options: sessionOptions(options.settings),
      connectionTimeoutMillis: endpoint.connectTimeoutMilliseconds,
      keepAlive: true,
      keepAliveInitialDelayMillis: KEEPALIVE_AFTER_MILLISECONDS,
      ...(options.replication === true ? { replication: 'database' } : {}),
    };
    const client = new Client(config);
    // The socket is ours from the moment it is connected: its failures are reported by us.
    client.on('error', () => undefined);
    try {
      await client.connect();
    } catch (error) {
      throw connectProblem(error, endpoint);
    }
    return new RawSession(client, describeEndpoint(endpoint));
  }

  private constructor(client: Client, place: string) {
    const inner = client as unknown as { connection: { stream: Socket }; processID: number };
    this.processId = inner.processID;
    this.#place = place;
    this.#socket = inner.connection.stream;
    this.#reader = new FrameReader(this.frame);
    const parsers = this.#socket.listeners('data');
    if (this.#socket instanceof IntakeSocket) this.#socket.intake = (chunk) => this.#receive(chunk, true);
    else this.#socket.on('data', (chunk) => this.#receive(chunk, false));
    for (const parser of parsers) this.#socket.off('data', parser as (chunk: Buffer) => void);
    this.#socket.on('error', (error) => this.#fail(error));
    this.#socket.on('close', () => this.#fail(undefined));
  }

  get closed(): boolean {
    return this.#closed !== undefined;
  }

  get running(): boolean {
    return this.#pending !== undefined;
  }

  /** As of the last statement's end. */
  get inTransaction(): boolean {
    return this.#inTransaction;
  }

  /** Runs `sql` and tells `onFrame` of every message until the server is ready again. Rejects with `ServerError`. */
  async run(sql: string, onFrame?: FrameHandler, bytes?: ByteReader): Promise<void> {
    if (this.#closed !== undefined) throw this.#closed;
    if (this.#pending !== undefined) {
      throw new Problem('BRM-BUG', 'a session was given a statement while another runs', { kind: 'bug' });
    }
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#pending = { resolve, reject };
    this.#onFrame = onFrame;
    this.#bytes = bytes;
    this.#error = undefined;
    this.#send(sql);
    return promise;
  }

  /** The rows of the last statement in `sql` that returned any. */
  async query(sql: string): Promise<TextRow[]> {
    let rows: TextRow[] = [];
    await this.run(sql, (type, buffer, start) => {
      if (type === ROW_DESCRIPTION) rows = [];
      else if (type === Frame.dataRow) rows.push(readDataRow(buffer, start));
    });
    return rows;
  }

  /**
   * Runs a command that turns the connection into a two-way stream; resolves when it has. From then on `onData` gets
   * every CopyData body until the session closes or `onEnd` is told why the stream ended.
   */
  async stream(sql: string, onData: FrameHandler, onEnd: (problem: unknown) => void): Promise<void> {
    const started = Promise.withResolvers<void>();
    const ended = this.run(sql, (type, buffer, start, end) => {
      if (type === Frame.copyData) onData(type, buffer, start, end);
      else if (type === Frame.copyBoth) started.resolve();
    });
    ended.then(
      () => onEnd(undefined),
      (error: unknown) => {
        started.reject(error);
        onEnd(error);
      },
    );
    return started.promise;
  }

  /** Sends a ready-made message. */
  write(frame: Uint8Array): void {
    if (this.#closed === undefined) this.#socket.write(frame);
  }

  get suspended(): boolean {
    return this.#reader.suspended;
  }

  /** Stops reporting messages and leaves the server waiting. */
  suspend(): void {
    this.#reader.suspend();
    this.#socket.pause();
  }

  resume(): void {
    this.#reader.resume();
    if (!this.#reader.suspended) this.#socket.resume();
  }

  /** As `suspend`, for a statement whose bytes somebody else reads. */
  pauseBytes(): void {
    this.#socket.pause();
  }

  resumeBytes(): void {
    this.#socket.resume();
  }

  /** An orderly end. Rejects what is running. */
  close(): void {
    if (this.#closed !== undefined) return;
    this.#closed = new Problem('BRM-PG-CONNECTION', 'The session was closed.', { kind: 'retry' });
    this.#reject(this.#closed);
    this.#socket.end(TERMINATE);
    // The peer may be gone, or may be stuck writing to us: it gets no say in whether we end.
    this.#socket.resume();
    this.#socket.destroySoon();
  }

  /** Ends the session at once; the server notices as soon as it next writes or looks. */
  destroy(): void {
    this.#fail(undefined);
    this.#socket.destroy();
  }

  /** Where readers of bytes report messages. */
  readonly frame: FrameHandler = (type, buffer, start, end) => {
    if (type === Frame.error) {
      this.#error = new ServerError(readServerMessage(buffer, start, end));
      return;
    }
    if (type === Frame.ready) {
      this.#inTransaction = buffer[start] !== IDLE;
      return this.#finish();
    }
    this.#onFrame?.(type, buffer, start, end);
  };

  /** `borrowed`: the bytes are valid during the call only. Decoders of COPY keep nothing, the frame reader may. */
  #receive(chunk: Buffer, borrowed: boolean): void {
    try {
      if (this.#bytes === undefined) this.#reader.push(borrowed ? Buffer.from(chunk) : chunk);
      else this.#bytes.push(chunk, 0, chunk.length);
    } catch (error) {
      // What a decoder throws belongs to the statement; the rest of its bytes cannot be made sense of any more.
      this.#reject(error);
      this.destroy();
    }
  }

  #send(sql: string): void {
    const text = Buffer.from(sql, 'utf8');
    const message = Buffer.allocUnsafe(text.length + 6);
    message[0] = Frame.query;
    message.writeInt32BE(text.length + 5, 1);
    text.copy(message, 5);
    message[message.length - 1] = 0;
    this.#socket.write(message);
  }

  #finish(): void {
    const pending = this.#pending;
    this.#pending = undefined;
    this.#onFrame = undefined;
    this.#bytes = undefined;
    if (this.#error === undefined) pending?.resolve();
    else pending?.reject(this.#error);
  }

  #reject(error: unknown): void {
    const pending = this.#pending;
    this.#pending = undefined;
    pending?.reject(error);
  }

  #fail(error: Error | undefined): void {
    if (this.#closed !== undefined) return;
    const said = this.#error?.message ?? error?.message ?? 'the server closed the connection';
    this.#closed = new Problem('BRM-PG-CONNECTION', `Lost the connection to ${this.#place}: ${said}.`, {
      kind: 'retry',
      cause: this.#error ?? error,
    });
    this.#reject(this.#error !== undefined && !this.#error.fatal ? this.#error : this.#closed);
    this.#socket.destroy();
  }
}

const ROW_DESCRIPTION = 0x54;
/** ReadyForQuery's status outside of a transaction. */
const IDLE = 0x49;
