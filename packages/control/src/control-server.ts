import { chmodSync, existsSync, lstatSync, rmSync } from 'node:fs';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import { connect } from 'node:net';
import { once } from 'node:events';
import type { ProblemRecord } from '@brimful/model';
import { Problem, toProblem } from '@brimful/model';
import { chooseSocket, removeSocket } from './control-socket.ts';
import type { ControlTarget } from './control-target.ts';
import type { Call, Stream } from './operations.ts';
import { CALLS, STREAMS } from './operations.ts';

/** A list of 100,000 keys fits. */
export const BODY_LIMIT_BYTES = 16 * 1024 * 1024;
/** At once; more are told to come back. */
export const CALLS_LIMIT = 32;
export const STREAMS_LIMIT = 32;
const CONNECTIONS_LIMIT = 128;
/** For headers and body to arrive: they come from the same machine. */
const ARRIVAL_MILLISECONDS = 10_000;
/** An empty line, so that the other side sees that we live. */
const SIGN_OF_LIFE_MILLISECONDS = 5_000;
/** For answers under way when the pipe stops. */
const GOODBYE_MILLISECONDS = 1_000;
const PROBE_MILLISECONDS = 1_000;

const ONLY_OWNER = 0o600;
const ONLY_OWNER_MASK = 0o177;

export interface ControlServer extends AsyncDisposable {
  readonly socket: string;
}

/**
 * Serves a pipe to other processes of the same user, on a Unix socket in its data directory. Whoever may open the socket
 * may do everything. Call it only while holding the data directory: a socket that nobody answers at is replaced.
 *
 * `POST /<operation>` with a JSON body. A call answers with JSON. A stream answers with lines: `{"item":…}`, an empty one
 * as a sign of life, and at the end `{"end":true}` or `{"error":…}`. Problems come as `{"error": ProblemRecord}`.
 */
export async function serveControl(target: ControlTarget, dataDirectory: string): Promise<ControlServer> {
  const socket = chooseSocket(dataDirectory);
  await removeStale(socket);
  const stop = new AbortController();
  const desk = new Desk(target, stop.signal);
  const server = createServer(
    { requestTimeout: ARRIVAL_MILLISECONDS, headersTimeout: ARRIVAL_MILLISECONDS, keepAlive: false },
    (request, response) => void desk.serve(request, response),
  );
  server.maxConnections = CONNECTIONS_LIMIT;
  await listen(server, socket);
  return {
    socket,
    [Symbol.asyncDispose]: async () => {
      stop.abort();
      const closed = once(server, 'close');
      server.close();
      const end = setTimeout(() => server.closeAllConnections(), GOODBYE_MILLISECONDS);
      await closed;
      clearTimeout(end);
      removeSocket(dataDirectory, socket);
    },
  };
}

/** The socket is its owner's alone from the moment it exists. */
async function listen(server: Server, socket: string): Promise<void> {
  const listening = once(server, 'listening');
  const mask = process.umask(ONLY_OWNER_MASK);
  try {
    server.listen(socket);
  } finally {
    process.umask(mask);
  }
  await listening;
  chmodSync(socket, ONLY_OWNER);
}

/** A process that was killed leaves its socket behind. */
async function removeStale(socket: string): Promise<void> {
  if (!existsSync(socket)) return;
  const taken = (why: string): Problem =>
    new Problem('BRM-CONTROL-TAKEN', `${socket} cannot be used: ${why}.`, {
      remedy: 'Stop the process that has it, or remove the file.',
    });
  if (!lstatSync(socket).isSocket()) throw taken('it is not a socket');
  if (await isAnswered(socket)) throw taken('another process listens there');
  rmSync(socket, { force: true });
}

function isAnswered(socket: string): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = connect(socket);
    const settle = (answered: boolean): void => {
      probe.destroy();
      resolve(answered);
    };
    probe.setTimeout(PROBE_MILLISECONDS, () => settle(true));
    probe.once('connect', () => settle(true));
    probe.once('error', () => settle(false));
  });
}

class Desk {
  readonly #target: ControlTarget;
  readonly #stop: AbortSignal;
  #calls = 0;
  #streams = 0;

  constructor(target: ControlTarget, stop: AbortSignal) {
    this.#target = target;
    this.#stop = stop;
  }

  /** Never rejects: whatever goes wrong is the answer. */
  async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    // The other side may go at any time.
    response.on('error', () => response.destroy());
    try {
      const name = (request.url ?? '').replace(/^\//, '');
      const stream = own<Stream>(STREAMS, name);
      const call = own<Call>(CALLS, name);
      if (request.method !== 'POST' || (stream ?? call) === undefined) {
        throw new Problem(
          'BRM-CONTROL-UNKNOWN',
          `There is nothing called ${request.method ?? ''} /${name}.`,
          {
            remedy: 'Use a brimful of the version that runs the pipe.',
          },
        );
      }
      if (call !== undefined) await this.#answerCall(call, request, response);
      else if (stream !== undefined) await this.#answerStream(stream, request, response);
    } catch (thrown) {
      // Whoever is still sending must get to the answer: the rest of the body is taken, and thrown away.
      request.resume();
      refuse(response, toProblem(thrown));
    }
  }

  async #answerCall(call: Call, request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (this.#calls >= CALLS_LIMIT) throw busy();
    this.#calls += 1;
    try {
      const body = await readBody(request);
      const answer = await withLimit(call.answer(this.#target, body), call.limitMilliseconds);
      send(response, 200, { answer });
    } finally {
      this.#calls -= 1;
    }
  }

  async #answerStream(stream: Stream, request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (this.#streams >= STREAMS_LIMIT) throw busy();
    this.#streams += 1;
    const gone = new AbortController();
    response.once('close', () => gone.abort());
    const signs = setInterval(() => {
      if (response.headersSent && !response.writableNeedDrain) response.write('\n');
    }, SIGN_OF_LIFE_MILLISECONDS);
    try {
      const body = await readBody(request);
      const items = stream.items(this.#target, body, AbortSignal.any([gone.signal, this.#stop]));
      response.writeHead(200, { 'content-type': 'application/x-ndjson' });
      response.flushHeaders();
      for await (const item of items) await writeLine(response, { item }, gone.signal);
      response.end(`${JSON.stringify({ end: true })}\n`);
    } catch (thrown) {
      if (gone.signal.aborted) response.destroy();
      else refuse(response, this.#stop.aborted ? stopping() : toProblem(thrown));
    } finally {
      clearInterval(signs);
      this.#streams -= 1;
    }
  }
}

/** Waits while the other side is slow: nothing piles up here. (Invariant 9) */
async function writeLine(response: ServerResponse, value: unknown, gone: AbortSignal): Promise<void> {
  if (!response.write(`${JSON.stringify(value)}\n`)) await once(response, 'drain', { signal: gone });
}

async function readBody(request: IncomingMessage): Promise<unknown> {
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    bytes += part.length;
    if (bytes > BODY_LIMIT_BYTES) {
      throw new Problem('BRM-CONTROL-TOO-LARGE', `A request has more than ${BODY_LIMIT_BYTES} bytes.`, {
        remedy: 'Ask for less at once: a range instead of single keys.',
      });
    }
    parts.push(part);
  }
  try {
    return JSON.parse(Buffer.concat(parts).toString('utf8')) as unknown;
  } catch (cause) {
    throw new Problem('BRM-CONTROL-REQUEST', 'The request is not JSON.', { cause });
  }
}

function withLimit<T>(work: Promise<T>, milliseconds: number): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(
      () =>
        reject(
          new Problem('BRM-CONTROL-TIMEOUT', `There was no answer in ${milliseconds / 1000} s.`, {
            kind: 'retry',
          }),
        ),
      milliseconds,
    );
    work.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}

function refuse(response: ServerResponse, problem: Problem): void {
  const error: ProblemRecord = problem.toJSON();
  if (response.headersSent) response.end(`${JSON.stringify({ error })}\n`);
  else send(response, statusOf(problem), { error });
}

function send(response: ServerResponse, status: number, value: unknown): void {
  // What is left of a body that was refused is not read.
  response.writeHead(status, { 'content-type': 'application/json', connection: 'close' });
  response.end(`${JSON.stringify(value)}\n`);
}

const STATUSES: Readonly<Record<string, number>> = {
  'BRM-CONTROL-REQUEST': 400,
  'BRM-CONTROL-UNKNOWN': 404,
  'BRM-CONTROL-TOO-LARGE': 413,
  'BRM-CONTROL-BUSY': 503,
  'BRM-CONTROL-TIMEOUT': 504,
};

function statusOf({ code, kind }: Problem): number {
  const status = STATUSES[code];
  if (status !== undefined) return status;
  if (code.endsWith('-UNKNOWN')) return 404;
  return kind === 'bug' ? 500 : kind === 'retry' ? 503 : 422;
}

function busy(): Problem {
  return new Problem('BRM-CONTROL-BUSY', 'Too many others talk to this pipe at the moment.', {
    kind: 'retry',
    remedy: 'Try again in a moment.',
  });
}

function stopping(): Problem {
  return new Problem('BRM-CONTROL-STOPPED', 'The pipe stops.', {
    kind: 'retry',
    remedy: 'Go on with: brimful up',
  });
}

function own<T>(table: Readonly<Record<string, T>>, name: string): T | undefined {
  return Object.hasOwn(table, name) ? table[name] : undefined;
}
