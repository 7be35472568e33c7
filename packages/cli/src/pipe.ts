import type { Logger } from '@brimful/connector';
import type {
  BackfillCalls,
  ControlServer,
  ControlTarget,
  VerifyProgress,
  VerifyRequest,
} from '@brimful/control';
import { backfillCalls, serveControl } from '@brimful/control';
import type { Runtime, RuntimeOptions } from '@brimful/engine';
import { Backfills, planRepairs } from '@brimful/engine';
import type { Run, RuntimeStatus, VerificationReport } from '@brimful/model';
import { STATUS_KEY } from '@brimful/model';
import type { Store } from '@brimful/store';
import type { LoadedConfig } from './config/load.ts';
import type { ConnectorRegistry } from './connectors.ts';
import { isShown } from './terminal/run-lines.ts';

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
/** The author of what is planned without a person. */
const NOBODY = 'system';

/**
 * A configuration at work: its store and its runtime, in this process. While it runs, its status stands in the
 * store's registry for `brimful status` in another terminal, and other commands steer it through its control socket.
 */
export class Pipe implements AsyncDisposable {
  readonly #store: Store;
  readonly #runtime: Runtime;
  readonly #log: Logger;
  readonly #timer: NodeJS.Timeout;
  readonly #planner: Backfills;
  readonly #backfills: BackfillCalls;
  readonly #ending = new AbortController();
  readonly #runs = new Map<string, Run>();
  readonly #watching: Promise<void>;
  #control: ControlServer | undefined;
  #publishing: Promise<void> = Promise.resolve();
  #busy = false;
  #stopped: Promise<void> | undefined;

  private constructor(store: Store, runtime: Runtime, { config, connectors, log, now }: PipeOptions) {
    this.#store = store;
    this.#runtime = runtime;
    this.#log = log;
    const { prices } = config.backfill;
    const options = { spec: config.spec, connectors, store, log, now: now ?? Date.now };
    this.#planner = new Backfills(prices === undefined ? options : { ...options, prices });
    this.#backfills = backfillCalls(this.#planner);
    this.#watching = this.#watchRuns();
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
      const pipe = new Pipe(store, runtime, options);
      await pipe.#serve(config.dataDirectory);
      return pipe;
    } catch (error) {
      await store[Symbol.asyncDispose]();
      throw error;
    }
  }

  status(): RuntimeStatus {
    return this.#runtime.status();
  }

  /** Runs that are going on or can be undone, the newest last. */
  runs(): readonly Run[] {
    return [...this.#runs.values()].sort((a, b) => a.createdAt - b.createdAt);
  }

  /** Plans and runs, as the commands have them. */
  get backfills(): BackfillCalls {
    return this.#backfills;
  }

  /** See `ControlTarget.verify`. */
  async verify(
    request: VerifyRequest,
    signal: AbortSignal,
    onProgress?: (progress: VerifyProgress) => void,
  ): Promise<readonly VerificationReport[]> {
    const found = await this.#runtime.verify(request, signal, onProgress);
    return planRepairs(found, request.author ?? NOBODY, this.#planner, this.#log);
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
      // First: nobody is told of what is already coming down.
      await this.#control?.[Symbol.asyncDispose]();
      await this.#runtime.stop();
    } finally {
      this.#ending.abort();
      await this.#watching;
      await this.#publishing;
      this.#publish();
      await this.#publishing;
      await this.#store[Symbol.asyncDispose]();
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  /** A pipe that cannot be steered still copies: it is said, and goes on. */
  async #serve(dataDirectory: string): Promise<void> {
    const target: ControlTarget = {
      backfills: this.#backfills,
      status: () => this.#runtime.status(),
      verify: (request, signal, onProgress) => this.verify(request, signal, onProgress),
    };
    try {
      this.#control = await serveControl(target, dataDirectory);
    } catch (error) {
      this.#log.warn({ error }, 'Other commands cannot steer this pipe');
    }
  }

  async #watchRuns(): Promise<void> {
    try {
      for await (const run of this.#backfills.watch(this.#ending.signal)) {
        if (isShown(run)) this.#runs.set(run.id, run);
        else this.#runs.delete(run.id);
      }
    } catch (error) {
      if (!this.#ending.signal.aborted) this.#log.warn({ error }, 'Runs are not shown any more');
    }
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
