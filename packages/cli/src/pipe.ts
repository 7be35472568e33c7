import type { Logger } from '@brimful/connector';
import type { Runtime, RuntimeOptions } from '@brimful/engine';
import type { RuntimeStatus } from '@brimful/model';
import { STATUS_KEY } from '@brimful/model';
import type { Store } from '@brimful/store';
import type { LoadedConfig } from './config/load.ts';
import type { ConnectorRegistry } from './connectors.ts';

export interface PipeOptions {
  readonly config: LoadedConfig;
  readonly connectors: ConnectorRegistry;
  readonly log: Logger;
  readonly openStore: (directory: string) => Promise<Store>;
  readonly startRuntime: (options: RuntimeOptions) => Promise<Runtime>;
  readonly now?: () => number;
}

/** Often enough for a person who watches; each time is one small durable write. */
const PUBLISH_EVERY_MILLISECONDS = 1000;

/**
 * A configuration at work: its store and its runtime, in this process. While it runs, its status stands in the
 * store's registry for `brimful status` in another terminal.
 */
export class Pipe implements AsyncDisposable {
  readonly #store: Store;
  readonly #runtime: Runtime;
  readonly #log: Logger;
  readonly #timer: NodeJS.Timeout;
  #publishing: Promise<void> = Promise.resolve();
  #busy = false;
  #stopped: Promise<void> | undefined;

  private constructor(store: Store, runtime: Runtime, log: Logger) {
    this.#store = store;
    this.#runtime = runtime;
    this.#log = log;
    this.#timer = setInterval(() => this.#publish(), PUBLISH_EVERY_MILLISECONDS);
    this.#publish();
  }

  static async start(options: PipeOptions): Promise<Pipe> {
    const { config, connectors, log } = options;
    const store = await options.openStore(config.dataDirectory);
    try {
      const runtime = await options.startRuntime({
        spec: config.spec,
        connectors,
        store,
        log,
        now: options.now ?? Date.now,
        reach() {},
      });
      return new Pipe(store, runtime, log);
    } catch (error) {
      await store[Symbol.asyncDispose]();
      throw error;
    }
  }

  status(): RuntimeStatus {
    return this.#runtime.status();
  }

  get finished(): Promise<void> {
    return this.#runtime.finished;
  }

  /** Stops everything in order and leaves the last status behind. */
  stop(): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  async #stop(): Promise<void> {
    clearInterval(this.#timer);
    try {
      await this.#runtime.stop();
    } finally {
      await this.#publishing;
      this.#publish();
      await this.#publishing;
      await this.#store[Symbol.asyncDispose]();
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  /** One at a time: while a slow disk still writes one status, the next ones are skipped. */
  #publish(): void {
    if (this.#busy) return;
    this.#busy = true;
    this.#publishing = this.#write();
  }

  async #write(): Promise<void> {
    try {
      await this.#store.registry.put(STATUS_KEY, this.#runtime.status());
    } catch (error) {
      this.#log.debug({ error }, 'The status could not be published');
    } finally {
      this.#busy = false;
    }
  }
}
