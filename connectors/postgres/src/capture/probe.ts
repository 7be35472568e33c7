import type { CaptureContext, ProbeReading, SourceProbe } from '@brimful/connector';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import type { CaptureConfig } from '../config.ts';
import type { Endpoint } from '../wire/endpoint.ts';
import { endpointOf } from '../wire/endpoint.ts';
import { sourceNames } from './names.ts';

/** What the thread is told. The password is in it, and goes nowhere but into the connection. (Invariant 10) */
export interface ProbeOrder {
  readonly endpoint: Endpoint;
  readonly purpose: string;
  readonly slot: string;
}

/** What the thread tells: a reading; or why it cannot measure, null once it can. */
export type ProbeMessage =
  | { readonly reading: ProbeReading; readonly failure?: never }
  | { readonly failure: string | null; readonly reading?: never };

/** A few minutes' worth: whoever takes none for longer wants the latest. */
const MOST_READINGS = 2_000;
/** For the thread to close its connection before it is ended. */
const CLOSE_MILLISECONDS = 500;
const RESTART_MILLISECONDS = 1_000;

/** Measures in a thread of its own, which is started again should it die. */
export class PostgresProbe implements SourceProbe {
  readonly #order: ProbeOrder;
  readonly #context: CaptureContext;
  #worker: Worker;
  #restart: NodeJS.Timeout | undefined;
  #readings: ProbeReading[] = [];
  #failure: string | null = null;
  #closed = false;

  /** Does not wait for the server: one that cannot be reached reads as null. Throws when the config says no place. */
  static async open(config: CaptureConfig, context: CaptureContext): Promise<PostgresProbe> {
    const { slot } = sourceNames(context.capture, config);
    return new PostgresProbe(
      { endpoint: endpointOf(config), purpose: `${context.capture} probe`, slot },
      context,
    );
  }

  private constructor(order: ProbeOrder, context: CaptureContext) {
    this.#order = order;
    this.#context = context;
    this.#worker = this.#start();
  }

  take(): readonly ProbeReading[] {
    const readings = this.#readings;
    this.#readings = [];
    return readings;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    clearTimeout(this.#restart);
    const worker = this.#worker;
    const ended = once(worker, 'exit');
    worker.postMessage('close');
    await Promise.race([ended, sleep(CLOSE_MILLISECONDS, undefined, { ref: false })]);
    await worker.terminate();
  }

  #start(): Worker {
    const worker = new Worker(script(), { workerData: this.#order });
    worker.unref();
    worker.on('message', (message: ProbeMessage) => this.#take(message));
    worker.on('error', (error) => {
      this.#context.log.warn({ error: error.message }, 'the thread that measures the source failed');
    });
    worker.on('exit', () => {
      if (this.#closed) return;
      this.#restart = setTimeout(() => {
        this.#worker = this.#start();
      }, RESTART_MILLISECONDS).unref();
    });
    return worker;
  }

  #take({ reading, failure }: ProbeMessage): void {
    if (reading !== undefined) {
      this.#readings.push(reading);
      if (this.#readings.length > MOST_READINGS) this.#readings.splice(0, MOST_READINGS / 2);
      return;
    }
    if (failure === this.#failure) return;
    this.#failure = failure;
    if (failure !== null) this.#context.log.warn({ failure }, 'the source cannot be measured');
  }
}

/** TypeScript in a checkout and JavaScript in a package, as this file is. */
function script(): URL {
  const isSource = import.meta.url.endsWith('.ts');
  return isSource
    ? new URL('./probe-thread.ts', import.meta.url)
    : new URL('./probe-thread.js', import.meta.url);
}
