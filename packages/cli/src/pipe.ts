import { fileURLToPath } from 'node:url';
import type { Logger } from '@brimful/connector';
import type {
  BackfillCalls,
  ControlServer,
  HttpServer,
  HttpTarget,
  VerifyProgress,
  VerifyRequest,
} from '@brimful/control';
import {
  AlertWatch,
  backfillCalls,
  collectionLook,
  DEFAULT_PORT,
  LogRing,
  serveControl,
  serveHttp,
  Webhook,
} from '@brimful/control';
import type { Runtime, RuntimeOptions } from '@brimful/engine';
import { Backfills, planRepairs } from '@brimful/engine';
import type { Run, RuntimeStatus, VerificationReport } from '@brimful/model';
import { Problem, STATUS_KEY } from '@brimful/model';
import type { Store } from '@brimful/store';
import type { LoadedConfig } from './config/load.ts';
import { settingsOf } from './config/settings.ts';
import type { ConnectorRegistry } from './connectors.ts';
import { isShown } from './terminal/run-lines.ts';
import { packageVersion } from './version.ts';

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
/** What `npm run build` of packages/web makes. */
const PAGES_DIRECTORY = fileURLToPath(new URL('../../web/dist', import.meta.url));
/** The author of what is planned without a person. */
const NOBODY = 'system';

/**
 * A configuration at work: its store and its runtime, in this process. While it runs, its status stands in the
 * store's registry for `brimful status` in another terminal, other commands steer it through its control socket, and
 * browsers through its HTTP server.
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
  readonly #alerts: AlertWatch;
  readonly #watching: Promise<void>;
  #control: ControlServer | undefined;
  #http: HttpServer | undefined;
  #publishing: Promise<void> = Promise.resolve();
  #busy = false;
  #stopped: Promise<void> | undefined;

  private constructor(
    store: Store,
    runtime: Runtime,
    alerts: AlertWatch,
    { config, connectors, log, now }: PipeOptions,
  ) {
    this.#alerts = alerts;
    this.#store = store;
    this.#runtime = runtime;
    this.#log = log;
    const { prices } = config.backfill;
    const options = { spec: config.spec, connectors, store, log, now: now ?? Date.now, executes: true };
    this.#planner = new Backfills(prices === undefined ? options : { ...options, prices });
    this.#backfills = backfillCalls(this.#planner);
    this.#watching = this.#watchRuns();
    this.#timer = setInterval(() => this.#publish(), PUBLISH_EVERY_MILLISECONDS);
    this.#publish();
  }

  static async start(options: PipeOptions): Promise<Pipe> {
    const { config, connectors } = options;
    const now = options.now ?? Date.now;
    const logs = new LogRing(config.redact, now);
    const log = logs.over(options.log);
    const store = await options.openStore(config.dataDirectory);
    let pipe: Pipe | undefined;
    let runtime: Runtime | undefined;
    try {
      runtime = await options.startRuntime({
        spec: config.spec,
        connectors,
        store,
        log,
        now,
        reach() {},
      });
      const alerts = await openAlerts({ store, runtime, config, log, now });
      pipe = new Pipe(store, runtime, alerts, { ...options, log });
      await pipe.#serve(config, logs, now);
      return pipe;
    } catch (error) {
      if (pipe === undefined) {
        await runtime?.stop();
        await store[Symbol.asyncDispose]();
      } else await pipe.stop();
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
    const reports = await planRepairs(found, request.author ?? NOBODY, this.#planner, this.#log);
    this.#alerts.noteReports(reports);
    return reports;
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
      await Promise.all([this.#control?.[Symbol.asyncDispose](), this.#http?.[Symbol.asyncDispose]()]);
      // Before the tasks: that they stop now is nobody's news.
      await this.#alerts[Symbol.asyncDispose]();
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

  /** Of its pages, while they are served. */
  get url(): string | undefined {
    return this.#http?.url;
  }

  async #serve(config: LoadedConfig, logs: LogRing, now: () => number): Promise<void> {
    const target: HttpTarget = {
      backfills: this.#backfills,
      status: () => this.#runtime.status(),
      verify: (request, signal, onProgress) => this.verify(request, signal, onProgress),
      collections: collectionLook(this.#store, this.#log),
      logs,
      alerts: this.#alerts,
      settings: settingsOf(config),
    };
    try {
      this.#control = await serveControl(target, config.dataDirectory);
    } catch (error) {
      // A pipe that cannot be steered still copies: it is said, and goes on.
      this.#log.warn({ error }, 'Other commands cannot steer this pipe');
    }
    this.#http = await this.#serveHttp(target, config, now);
  }

  /** At the usual port unless another was asked for; where that is taken, by another pipe say, at any that is free. */
  async #serveHttp(target: HttpTarget, config: LoadedConfig, now: () => number): Promise<HttpServer> {
    const { server, redact, dataDirectory } = config;
    const at = (port: number): Promise<HttpServer> =>
      serveHttp(target, {
        settings: { ...server, port },
        log: this.#log,
        redact,
        now,
        version: packageVersion(),
        dataDirectory,
        pagesDirectory: PAGES_DIRECTORY,
      });
    if (server.port !== undefined) return at(server.port);
    try {
      return await at(DEFAULT_PORT);
    } catch (error) {
      if (!(error instanceof Problem) || error.code !== 'BRM-API-PORT') throw error;
      return at(0);
    }
  }

  async #watchRuns(): Promise<void> {
    try {
      for await (const run of this.#backfills.watch(this.#ending.signal)) {
        this.#alerts.noteRun(run);
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

interface AlertMeans extends Pick<PipeOptions, 'config' | 'log'> {
  readonly store: Store;
  readonly runtime: Runtime;
  readonly now: () => number;
}

function openAlerts({ store, runtime, config, log, now }: AlertMeans): Promise<AlertWatch> {
  const { limits, webhook, from } = config.alerts;
  return AlertWatch.open({
    registry: store.registry,
    status: () => runtime.status(),
    limits,
    webhook: webhook === undefined ? undefined : new Webhook(webhook, { version: packageVersion(), now }),
    from,
    log,
    now,
  });
}
