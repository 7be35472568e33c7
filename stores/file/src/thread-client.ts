import { type Transferable, Worker } from 'node:worker_threads';
import { Problem, type ProblemRecord } from '@brimful/model';
import type { Request } from './calls.ts';
import type { Fault } from './faults.ts';
import { REPLY_LIMIT_MS } from './limits.ts';
import type { Answer } from './thread-port.ts';

/** `call: [argument, answer]` */
type CallMap<Calls> = { [Call in keyof Calls]: [unknown, unknown] };

interface Pending {
  readonly resolve: (value: unknown) => void;
  readonly reject: (problem: Problem) => void;
  readonly since: number;
}

export interface CallOptions {
  readonly transfer?: readonly Transferable[];
  readonly fault?: Fault | undefined;
}

/**
 * The main thread's end of a thread. Calls made in one turn of the event loop travel as one message. Every call
 * ends: with its answer, when the thread dies, or after `REPLY_LIMIT_MS`.
 */
export class ThreadClient<Calls extends CallMap<Calls>> {
  readonly #worker: Worker;
  readonly #pending = new Map<number, Pending>();
  readonly #onAnswer: ((answer: Answer) => void) | undefined;
  #outbox: Request[] = [];
  #transfers: Transferable[] = [];
  #lastId = 0;
  #ended: Problem | undefined;
  #watchdog: NodeJS.Timeout | undefined;

  constructor(script: URL, data: unknown, onAnswer?: (answer: Answer) => void) {
    this.#worker = new Worker(asPresent(script), {
      workerData: data,
      // SQLite is built into Node and announces itself as experimental on every start.
      execArgv: [...process.execArgv, '--disable-warning=ExperimentalWarning'],
    });
    this.#onAnswer = onAnswer;
    this.#worker.on('message', (answer: Answer) => this.#settle(answer));
    this.#worker.on('error', (error) => this.#end(threadDied(error)));
    this.#worker.on('exit', () => this.#end(closedProblem()));
  }

  call<Call extends keyof Calls & string>(
    call: Call,
    argument: Calls[Call][0],
    { transfer, fault }: CallOptions = {},
  ): Promise<Calls[Call][1]> {
    if (this.#ended !== undefined) return Promise.reject(this.#ended);
    this.#lastId += 1;
    const id = this.#lastId;
    if (this.#outbox.length === 0) queueMicrotask(() => this.#send());
    this.#outbox.push(fault === undefined ? { id, call, argument } : { id, call, argument, fault });
    if (transfer !== undefined) this.#transfers.push(...transfer);
    this.#watchdog ??= setInterval(() => this.#checkOldest(), REPLY_LIMIT_MS / 10).unref();
    return new Promise((resolve, reject) => {
      this.#pending.set(id, { resolve, reject, since: performance.now() });
    });
  }

  /** Refuses further calls, lets the ones under way end, then ends the thread. */
  async stop(call: keyof Calls & string): Promise<void> {
    if (this.#ended !== undefined) return;
    const stopped = this.call(call, null);
    this.#ended = closedProblem();
    try {
      await stopped;
    } finally {
      await this.#worker.terminate();
    }
  }

  #send(): void {
    const requests = this.#outbox;
    const transfers = this.#transfers;
    this.#outbox = [];
    this.#transfers = [];
    this.#worker.postMessage(requests, transfers);
  }

  #settle(answer: Answer): void {
    this.#onAnswer?.(answer);
    for (const reply of answer.replies) {
      const pending = this.#pending.get(reply.id);
      this.#pending.delete(reply.id);
      if ('problem' in reply) pending?.reject(reviveProblem(reply.problem));
      else pending?.resolve(reply.value);
    }
    if (this.#pending.size > 0) return;
    clearInterval(this.#watchdog);
    this.#watchdog = undefined;
  }

  #end(problem: Problem): void {
    this.#ended ??= problem;
    clearInterval(this.#watchdog);
    for (const { reject } of this.#pending.values()) reject(problem);
    this.#pending.clear();
  }

  /** Calls are answered in order: if the oldest is not late, none is. */
  #checkOldest(): void {
    for (const [id, { reject, since }] of this.#pending) {
      if (performance.now() - since < REPLY_LIMIT_MS) return;
      this.#pending.delete(id);
      reject(
        new Problem('BRM-STORE-SLOW', `The store did not answer for ${REPLY_LIMIT_MS / 1000} s.`, {
          kind: 'retry',
          remedy: 'Check the disk of the data directory: is it stalled or overloaded?',
        }),
      );
    }
  }
}

/** The script is TypeScript in a checkout and JavaScript in a package, as this file is. */
function asPresent(script: URL): URL {
  return import.meta.url.endsWith('.ts') ? script : new URL(script.href.replace(/\.ts$/, '.js'));
}

export function closedProblem(): Problem {
  return new Problem('BRM-STORE-CLOSED', 'The store is closed.', { kind: 'bug' });
}

function threadDied(error: unknown): Problem {
  const message = error instanceof Error ? error.message : String(error);
  return new Problem('BRM-STORE-THREAD', `A thread of the store ended: ${message}.`, {
    kind: 'bug',
    remedy: 'Restart Brimful: everything acknowledged is on disk.',
    cause: error,
  });
}

function reviveProblem({ code, message, kind, remedy, at }: ProblemRecord): Problem {
  return new Problem(code, message, remedy === null ? { kind, at } : { kind, at, remedy });
}
