import type { Connection, Submittable } from 'pg';

import { FrontendMessages } from './frontend-messages.ts';
import type { Parameter } from './frontend-messages.ts';

/** One statement of a pipeline. */
export interface Statement {
  readonly text: string;
  readonly parameters?: readonly Parameter[];
  /** True: parsed once per connection and kept under a name. For statements that come again and again. */
  readonly prepared?: boolean;
  /** `COPY … FROM STDIN`: what follows it. */
  readonly copy?: CopySource;
}

/** Rows for a COPY, as whole CopyData messages. Taken one by one as the socket drains. */
export interface CopySource {
  frames(): Iterable<Uint8Array>;
  /** The socket has taken the frame's bytes: its memory may be used again. */
  release(frame: Uint8Array): void;
}

export interface StatementResult {
  /** The server's command tag, e.g. `DELETE 3`. */
  readonly tag: string;
  /** Values as text. */
  readonly rows: readonly (readonly (string | null)[])[];
}

/** Which of the pipeline's statements failed, and with what. No statement after it was executed. */
export class PipelineError extends Error {
  override readonly name = 'PipelineError';
  readonly statement: number;

  constructor(statement: number, cause: unknown) {
    super(cause instanceof Error ? cause.message : String(cause), { cause });
    this.statement = statement;
  }
}

/** The names under which one connection keeps its parsed statements. */
export interface PreparedNames {
  /** A pipeline begins. */
  begin(): void;
  /** `parse`: the server does not know it yet. `evicted`: a name to be given up for it. */
  claim(text: string): { readonly name: string; readonly parse: boolean; readonly evicted?: string };
  /** The server has parsed it. */
  confirm(name: string): void;
}

/** What waits in our process before the sender pauses: enough that the server never waits for us. */
const HIGH_WATER_BYTES = 1024 * 1024;
/** Small messages are gathered up to this size before they are written. */
const GATHER_BYTES = 64 * 1024;

/**
 * Many statements in one go: all messages are sent without waiting for any answer, COPY data included, with a single
 * Sync at the end. After an error the server skips everything up to that Sync, so nothing behind a failed statement
 * runs. One round trip for a whole transaction.
 *
 * Works as a query of pg's client, whose protocol parser and connection handling it uses.
 */
export class Pipeline implements Submittable {
  readonly done: Promise<readonly StatementResult[]>;
  readonly #statements: readonly Statement[];
  readonly #names: PreparedNames;
  readonly #results: StatementResult[] = [];
  readonly #parsing: (string | undefined)[] = [];
  readonly #messages = new FrontendMessages();
  readonly #settle = Promise.withResolvers<readonly StatementResult[]>();
  #rows: (readonly (string | null)[])[] = [];
  #stopped = false;
  /** Thrown by our own side while statements were being written. */
  #ownError: PipelineError | undefined;
  #resumeSending: (() => void) | undefined;

  constructor(statements: readonly Statement[], names: PreparedNames) {
    this.#statements = statements;
    this.#names = names;
    this.done = this.#settle.promise;
  }

  /** pg calls this when it is our turn. */
  submit(connection: Connection): void {
    this.#names.begin();
    const onParsed = (): void => {
      const name = this.#parsing.shift();
      if (name !== undefined) this.#names.confirm(name);
    };
    const stopListening = (): void => {
      connection.off('parseComplete', onParsed);
      connection.off('end', onGone);
      connection.stream.off('drain', onDrain);
    };
    const onDrain = (): void => this.#resumeSending?.();
    const onGone = (): void => this.#stop();
    connection.on('parseComplete', onParsed);
    connection.on('end', onGone);
    connection.stream.on('drain', onDrain);
    this.done.then(stopListening, stopListening);
    this.#send(connection).catch((error: unknown) => {
      // Only a broken stream brings us here; pg reports it as the connection's end.
      this.#settle.reject(new PipelineError(this.#results.length, error));
    });
  }

  // What pg's client calls on its active query.

  handleRowDescription(): void {}

  handleDataRow(message: { readonly fields: readonly (string | null)[] }): void {
    this.#rows.push(message.fields);
  }

  handleCommandComplete(message: { readonly text: string }): void {
    this.#results.push({ tag: message.text, rows: this.#rows });
    this.#rows = [];
  }

  handleCopyInResponse(): void {
    // Its data is on the way already.
  }

  handlePortalSuspended(): void {}

  handleEmptyQuery(): void {
    this.#results.push({ tag: '', rows: [] });
  }

  handleCopyData(): void {}

  handleError(error: unknown): void {
    this.#stop();
    this.#settle.reject(this.#ownError ?? new PipelineError(this.#results.length, error));
  }

  handleReadyForQuery(): void {
    if (this.#ownError !== undefined) this.#settle.reject(this.#ownError);
    else this.#settle.resolve(this.#results);
  }

  /** The rest would only be skipped by the server, or there is no server any more. */
  #stop(): void {
    this.#stopped = true;
    this.#resumeSending?.();
  }

  async #send(connection: Connection): Promise<void> {
    for (let index = 0; index < this.#statements.length && !this.#stopped; index += 1) {
      const statement = this.#statements[index] as Statement;
      this.#write(statement);
      if (statement.copy !== undefined) {
        const failure = await this.#sendCopy(connection, statement.copy);
        if (failure !== undefined) {
          this.#ownError = new PipelineError(index, failure);
          this.#messages.copyFail('the sender could not encode the rows');
          break;
        }
        this.#messages.copyDone();
      }
      if (this.#messages.bytes > GATHER_BYTES) await this.#flush(connection);
    }
    this.#messages.sync();
    await this.#flush(connection);
  }

  #write(statement: Statement): void {
    let name = '';
    if (statement.prepared === true) {
      const claimed = this.#names.claim(statement.text);
      name = claimed.name;
      if (claimed.evicted !== undefined) this.#messages.closeStatement(claimed.evicted);
      if (claimed.parse) this.#parse(name, statement.text);
    } else {
      this.#parse(name, statement.text);
    }
    this.#messages.bind(name, statement.parameters ?? []);
    this.#messages.execute();
  }

  #parse(name: string, text: string): void {
    this.#messages.parse(name, text);
    this.#parsing.push(name === '' ? undefined : name);
  }

  /** Returns what the encoder threw. */
  async #sendCopy(connection: Connection, copy: CopySource): Promise<unknown> {
    if (this.#messages.bytes > 0) connection.stream.write(this.#messages.take());
    const iterator = copy.frames()[Symbol.iterator]();
    while (!this.#stopped) {
      let next: IteratorResult<Uint8Array>;
      try {
        next = iterator.next();
      } catch (error) {
        return error ?? new Error('an encoder threw nothing');
      }
      if (next.done === true) return undefined;
      const frame = next.value;
      connection.stream.write(frame, () => copy.release(frame));
      await this.#drained(connection);
    }
    return undefined;
  }

  async #flush(connection: Connection): Promise<void> {
    connection.stream.write(this.#messages.take());
    await this.#drained(connection);
  }

  async #drained(connection: Connection): Promise<void> {
    if (connection.stream.writableLength <= HIGH_WATER_BYTES || this.#stopped) return;
    await new Promise<void>((resume) => {
      this.#resumeSending = resume;
    });
    this.#resumeSending = undefined;
  }
}
