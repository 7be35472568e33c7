import { fileURLToPath } from 'node:url';
import type { Logger } from '@brimful/connector';
import type {
  AlertSettings,
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
import type { Publication, Run, RuntimeStatus, VerificationReport } from '@brimful/model';
import { Problem, STATUS_KEY } from '@brimful/model';
import type { Store } from '@brimful/store';
import { author } from './backfill/author.ts';
import { Publisher } from './catalog/publisher.ts';
import type { LoadedConfig } from './config/load.ts';
import { settingsOf } from './config/settings.ts';
import { parseConfig } from './config/load.ts';
import { connectionLook } from './connections/connection-look.ts';
import type { ConnectorRegistry } from './connectors.ts';
import type { Redact } from './redact.ts';
import { Redactions } from './redact.ts';
import { SecretBook } from './secrets/secret-book.ts';
import { isShown } from './terminal/run-lines.ts';
import { packageVersion } from './version.ts';

export interface PipeOptions {
  readonly config: LoadedConfig;
  readonly connectors: ConnectorRegistry;
  readonly log: Logger;
  readonly openStore: (directory: string) => Promise<Store>;
  readonly startRuntime: (options: RuntimeOptions) => Promise<Runtime>;
  readonly now?: () => number;
  /** What `${NAME}` in a catalog that comes later means. Default: that of the process. */
  readonly environment?: Readonly<Record<string, string | undefined>>;
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
 * browsers through its HTTP server. Another configuration can take its place, see `reload`.
 */
export class Pipe implements AsyncDisposable {
  readonly #store: Store;
  readonly #options: PipeOptions;
  readonly #log: Logger;
  readonly #logs: LogRing;
  readonly #redactions: Redactions;
  readonly #now: () => number;
  readonly #timer: NodeJS.Timeout;
  readonly #ending = new AbortController();
  readonly #finished = Promise.withResolvers<void>();
  readonly #runs = new Map<string, Run>();
  readonly #alerts: AlertWatch;
  readonly #watching: Promise<void>;
  readonly #publisher: Publisher;
  readonly #backfills: BackfillCalls;
  #config: LoadedConfig;
  #runtime: Runtime;
  #planner: Backfills;
  #reloading: string | undefined;
  #reload: Promise<void> = Promise.resolve();
  #control: ControlServer | undefined;
  #http: HttpServer | undefined;
  #publishing: Promise<void> = Promise.resolve();
  #busy = false;
  #stopped: Promise<void> | undefined;
  #changedFile: Publication | undefined;

  private constructor(
    store: Store,
    runtime: Runtime,
    alerts: AlertWatch,
    options: PipeOptions,
    logs: LogRing,
    redactions: Redactions,
  ) {
    this.#alerts = alerts;
    this.#store = store;
    this.#options = options;
    this.#log = options.log;
    this.#logs = logs;
    this.#redactions = redactions;
    this.#now = options.now ?? Date.now;
    this.#config = options.config;
    this.#runtime = runtime;
    this.#planner = this.#plannerOf(options.config);
    this.#backfills = {
      ...backfillCalls(this.#planner),
      plan: (draft) => backfillCalls(this.#planner).plan(draft),
      apply: (planId, approval) => this.#planner.apply(planId, approval),
    };
    this.#publisher = this.#publisherOf(options);
    // Whoever waits for it is told; nobody may.
    this.#finished.promise.catch(() => undefined);
    this.#watchRuntime(runtime);
    this.#watching = this.#watchRuns();
    this.#timer = setInterval(() => this.#publish(), PUBLISH_EVERY_MILLISECONDS);
    this.#publish();
  }

  static async start(options: PipeOptions): Promise<Pipe> {
    const { config } = options;
    const redactions = new Redactions(config.redact);
    const logs = new LogRing(redactions.redact, options.now ?? Date.now);
    const log = logs.over(options.log);
    const store = await options.openStore(config.dataDirectory);
    let pipe: Pipe | undefined;
    let runtime: Runtime | undefined;
    try {
      const started = await startedWith({ ...options, log }, store, config);
      runtime = started;
      const status = (): RuntimeStatus => (pipe ?? started).status();
      const alerts = await openAlerts({ store, status, config, log, now: options.now ?? Date.now });
      pipe = new Pipe(store, runtime, alerts, { ...options, log }, logs, redactions);
      pipe.#changedFile = await pipe.#publisher.begin(author(undefined));
      await pipe.#serve();
      return pipe;
    } catch (error) {
      if (pipe === undefined) {
        await runtime?.stop();
        await store[Symbol.asyncDispose]();
      } else await pipe.stop();
      throw error;
    }
  }

  /** Takes out the secrets of this configuration, and of those before and after it. */
  get redact(): Redact {
    return this.#redactions.redact;
  }

  /** What was entered because the file had changed since the last start; undefined: it had not. */
  get changedFile(): Publication | undefined {
    return this.#changedFile;
  }

  status(): RuntimeStatus {
    const status = this.#runtime.status();
    return this.#reloading === undefined ? status : { ...status, reloading: this.#reloading };
  }

  /**
   * Runs another configuration on the same store: tasks stop in order and start anew, runs go on where they are, and whoever is
   * connected stays so. When it does not start, what was before runs again, and this rejects. Settings of the server and the
   * data directory stay as they are.
   */
  reload(config: LoadedConfig, because: string): Promise<void> {
    const done = this.#reload.then(() => this.#exchange(config, because));
    this.#reload = done.catch(() => undefined);
    return done;
  }

  async #exchange(config: LoadedConfig, because: string): Promise<void> {
    if (this.#stopped !== undefined)
      throw new Problem('BRM-CONTROL-STOPPED', 'The pipe stops.', { kind: 'retry' });
    const before = this.#config;
    this.#redactions.add(config.redact);
    this.#reloading = because;
    this.#publish();
    this.#log.info({}, because);
    try {
      await this.#runtime.stop();
      await this.#use(config);
    } catch (thrown) {
      this.#log.warn({ error: thrown }, 'It did not start: what was before is started again');
      await this.#use(before).catch((error: unknown) => {
        // Nothing runs any more, and nothing will: better to end, and be started anew.
        this.#finished.reject(error);
      });
      throw thrown;
    } finally {
      this.#reloading = undefined;
      this.#publish();
    }
  }

  async #use(config: LoadedConfig): Promise<void> {
    const runtime = await startedWith(this.#options, this.#store, config);
    this.#runtime = runtime;
    this.#config = config;
    this.#planner = this.#plannerOf(config);
    this.#alerts.follow(alertSettings(config, this.#now));
    this.#watchRuntime(runtime);
  }

  #watchRuntime(runtime: Runtime): void {
    const isCurrent = (): boolean => this.#runtime === runtime && this.#reloading === undefined;
    runtime.finished.then(
      () => {
        if (isCurrent()) this.#finished.resolve();
      },
      (thrown: unknown) => {
        if (isCurrent()) this.#finished.reject(thrown);
      },
    );
  }

  #plannerOf({ spec, backfill: { prices } }: LoadedConfig): Backfills {
    const { connectors } = this.#options;
    const options = { spec, connectors, store: this.#store, log: this.#log, now: this.#now, executes: true };
    return new Backfills(prices === undefined ? options : { ...options, prices });
  }

  #publisherOf({ config, connectors, environment = process.env }: PipeOptions): Publisher {
    const loading = { connectors, environment, workingDirectory: process.cwd() };
    return new Publisher({
      path: config.file,
      store: this.#store,
      connectors,
      load: (text) => parseConfig(text, config.file, loading),
      log: this.#log,
      now: this.#now,
      running: config,
      follow: (next, number) => this.reload(next, `Publication ${number} is being applied.`),
    });
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

  /** Resolves when everything has stopped for good; rejects when nothing can run any more. */
  get finished(): Promise<void> {
    return this.#finished.promise;
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
      await this.#reload;
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

  async #serve(): Promise<void> {
    const { connectors, environment = process.env } = this.#options;
    const { file, dataDirectory } = this.#config;
    const secrets = new SecretBook({
      registry: this.#store.registry,
      dataDirectory,
      environment,
      now: this.#now,
      onPut: (secret) => this.#redactions.note(secret),
    });
    const target: HttpTarget = {
      backfills: this.#backfills,
      catalog: this.#publisher,
      status: () => this.status(),
      verify: (request, signal, onProgress) => this.verify(request, signal, onProgress),
      collections: collectionLook(this.#store, this.#log),
      connections: connectionLook({ connectors, environment, file, store: this.#store, secrets }),
      secrets,
      logs: this.#logs,
      alerts: this.#alerts,
      // The data directory stays what it was, whatever another configuration says.
      settings: () => ({
        ...settingsOf(this.#config),
        dataDirectory: this.#options.config.dataDirectory,
      }),
    };
    try {
      this.#control = await serveControl(target, this.#config.dataDirectory);
    } catch (error) {
      // A pipe that cannot be steered still copies: it is said, and goes on.
      this.#log.warn({ error }, 'Other commands cannot steer this pipe');
    }
    this.#http = await this.#serveHttp(target);
  }

  /** At the usual port unless another was asked for; where that is taken, by another pipe say, at any that is free. */
  async #serveHttp(target: HttpTarget): Promise<HttpServer> {
    const { server, dataDirectory } = this.#config;
    const at = (port: number): Promise<HttpServer> =>
      serveHttp(target, {
        settings: { ...server, port },
        log: this.#log,
        redact: this.redact,
        now: this.#now,
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
      await this.#store.registry.put(STATUS_KEY, this.status());
    } catch (error) {
      this.#log.debug({ error }, 'The status could not be published');
    } finally {
      this.#busy = false;
    }
  }
}

function startedWith(
  { connectors, log, now, startRuntime }: PipeOptions,
  store: Store,
  { spec }: LoadedConfig,
): Promise<Runtime> {
  return startRuntime({ spec, connectors, store, log, now: now ?? Date.now, reach() {} });
}

interface AlertMeans extends Pick<PipeOptions, 'config' | 'log'> {
  readonly store: Store;
  readonly status: () => RuntimeStatus;
  readonly now: () => number;
}

function openAlerts({ store, status, config, log, now }: AlertMeans): Promise<AlertWatch> {
  return AlertWatch.open({ ...alertSettings(config, now), registry: store.registry, status, log, now });
}

function alertSettings({ alerts }: LoadedConfig, now: () => number): AlertSettings {
  const { limits, webhook, from } = alerts;
  const version = packageVersion();
  return {
    limits,
    from,
    webhook: webhook === undefined ? undefined : new Webhook(webhook, { version, now }),
  };
}
