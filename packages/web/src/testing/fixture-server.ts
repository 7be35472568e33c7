import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { readFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { extname, join, normalize } from 'node:path';
import type { RunMode, RunVerb, Throttle } from '@brimful/model';
import { FixtureAlerts } from './fixture-alerts.ts';
import { FixtureCatalog, SHOP_CATALOG } from './fixture-catalog.ts';
import { CONNECTORS, discoveryOf, reportOf } from './fixture-connectors.ts';
import { collectionOf, previewOf, usageOf } from './fixture-data.ts';
import { planOf } from './fixture-plan.ts';
import { FixtureRun } from './fixture-run.ts';
import { FixtureLogs } from './fixture-logs.ts';
import { settingsAt } from './fixture-settings.ts';
import type { FixtureTable } from './fixture-status.ts';
import { statusAt } from './fixture-status.ts';

const TICK_MILLISECONDS = 250;
const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript',
  '.css': 'text/css',
};

/** What `brimful up` sends, so that whatever it forbids is found here. */
const PAGE_POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; font-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'self'";

/** Serves a built interface and answers it as a pipe would, with runs that go on. Needs no database. */
export class FixtureServer {
  readonly #dist: string;
  readonly #tables: readonly FixtureTable[];
  readonly #startedAt = Date.now();
  readonly #alerts = new FixtureAlerts(Date.now());
  readonly #logs = new FixtureLogs(Date.now());
  readonly #plans = new Map<string, ReturnType<typeof planOf>>();
  readonly #runs = new Map<string, FixtureRun>();
  readonly #listeners = new Set<ServerResponse>();
  readonly #secondsOfRuns: number;
  readonly catalog: FixtureCatalog;
  #answersToLose = 0;
  #server: Server;
  #ticking: ReturnType<typeof setInterval> | undefined;

  constructor(options: {
    readonly dist: string;
    readonly tables: readonly FixtureTable[];
    readonly secondsOfRuns: number;
    readonly catalog?: string;
  }) {
    this.#dist = options.dist;
    this.#tables = options.tables;
    this.#secondsOfRuns = options.secondsOfRuns;
    this.catalog = new FixtureCatalog(options.catalog ?? SHOP_CATALOG);
    this.#server = createServer((request, response) => void this.#answer(request, response));
  }

  /** On a free port, or on the one given. Answers with its address. */
  async start(port = 0): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(port, '127.0.0.1', resolve));
    this.#ticking = setInterval(() => this.#tick(), TICK_MILLISECONDS);
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    clearInterval(this.#ticking);
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
    this.#listeners.clear();
    this.#server = createServer((request, response) => void this.#answer(request, response));
  }

  /** So many of the next publications are applied, and the connection breaks before that is said. */
  loseAnswers(count: number): void {
    this.#answersToLose = count;
  }

  /** Plans and applies without a browser. */
  begin(mode: RunMode, reason: string): FixtureRun {
    return this.#apply(
      this.#plan({ mode, task: mode === 'materialization' ? 'shop/warehouse' : 'shop/postgres', reason }).id,
    );
  }

  /** Something is said to the log, and to whoever listens. */
  say(...said: Parameters<FixtureLogs['say']>): void {
    const entry = this.#logs.say(...said);
    for (const listener of this.#listeners) listener.write(`event: log\ndata: ${JSON.stringify(entry)}\n\n`);
  }

  #plan(draft: Parameters<typeof planOf>[0]): ReturnType<typeof planOf> {
    const plan = planOf(draft, this.#tables, this.#plans.size + 1, Date.now());
    this.#plans.set(plan.id, plan);
    return plan;
  }

  #apply(planId: string): FixtureRun {
    const plan = this.#plans.get(planId);
    if (plan === undefined) throw new Error(`no ${planId}`);
    const run = new FixtureRun(
      `run-${String(this.#runs.size + 1).padStart(6, '0')}`,
      plan,
      Date.now(),
      this.#secondsOfRuns,
    );
    this.#runs.set(run.run.id, run);
    return run;
  }

  #tick(): void {
    const now = Date.now();
    for (const run of this.#runs.values()) run.tick(now, TICK_MILLISECONDS / 1000);
    for (const listener of this.#listeners) this.#tell(listener);
  }

  #tell(listener: ServerResponse): void {
    const say = (event: string, data: unknown): void =>
      void listener.write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
    say('status', this.catalog.statusOf(statusAt(Date.now(), this.#startedAt, this.#tables)));
    for (const run of this.#runs.values()) say('run', run.summary);
    for (const alert of this.#alerts.all) say('alert', alert);
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', 'http://fixture');
    if (url.pathname === '/api/v1/events') return this.#listen(response);
    if (!url.pathname.startsWith('/api/')) return this.#file(url.pathname, response);
    const parts = url.pathname.split('/').slice(3).map(decodeURIComponent);
    const said = this.#said(parts, await bodyOf(request), url.searchParams);
    if (parts[0] === 'catalog' && parts.at(-1) === 'apply' && this.#answersToLose > 0) {
      this.#answersToLose -= 1;
      for (const listener of this.#listeners) listener.destroy();
      response.destroy();
      return;
    }
    response.writeHead(said === undefined ? 404 : 200, { 'content-type': 'application/json' });
    response.end(
      JSON.stringify(
        said ?? {
          code: 'BRM-API-UNKNOWN',
          kind: 'operator',
          detail: 'There is nothing of this name.',
          remedy: null,
          at: {},
        },
      ),
    );
  }

  #said(parts: readonly string[], body: Body, query: URLSearchParams): unknown {
    const [noun, id, verb] = parts;
    if (noun === 'catalog' || noun === 'publications') return this.#published(parts, body);
    if (noun === 'connectors') return { connectors: CONNECTORS };
    if (noun === 'connections')
      return id === 'check' ? reportOf(body.config ?? {}) : discoveryOf(this.#tables);
    if (noun === 'session') return { who: 'anna', authentication: 'none', csrfToken: null, version: '0.1.0' };
    if (noun === 'usage') return usageOf(Date.now(), this.#startedAt, this.#tables);
    if (noun === 'plans' && id === undefined) return this.#plan(body);
    if (noun === 'plans' && verb === 'apply') return this.#apply(id ?? '').run;
    if (noun === 'plans') return this.#plans.get(id ?? '');
    if (noun === 'runs' && id === undefined) {
      const runs = [...this.#runs.values()].map(({ summary }) => summary);
      return { runs, total: runs.length };
    }
    if (noun === 'runs') return this.#ordered(id ?? '', verb === 'orders' ? body : undefined);
    if (noun === 'alerts' && id === 'test') return this.#alerts.test();
    if (noun === 'alerts' && verb === 'acknowledge') return this.#alerts.acknowledge(id ?? '', 'anna');
    if (noun === 'alerts') return this.#alerts.list();
    if (noun === 'logs') return { entries: this.#logs.entries };
    if (noun === 'settings') return settingsAt(this.#startedAt);
    if (noun === 'verifications') return { id: 'verification-1', reports: [] };
    if (noun === 'collections' && verb === 'preview')
      return previewOf(Number(query.get('limit')), Number(query.get('skip')));
    if (noun === 'collections')
      return collectionOf(id ?? '', statusAt(Date.now(), this.#startedAt, this.#tables));
    return undefined;
  }

  #published([noun, id, verb, order]: readonly string[], body: Body): unknown {
    const { catalog } = this;
    if (noun === 'catalog' && id === undefined) return catalog.shown;
    if (noun === 'catalog' && order === 'apply') return catalog.apply(verb ?? '');
    if (noun === 'catalog') return catalog.plan(body.text ?? '', body.reason ?? '');
    if (id === undefined) return { publications: catalog.publications, total: catalog.publications.length };
    if (verb === 'revert') return catalog.planRevert(Number(id), body.reason ?? '');
    return catalog.publications.find(({ number }) => number === Number(id));
  }

  #ordered(id: string, body: Body | undefined): unknown {
    const run = this.#runs.get(id);
    if (run !== undefined && body?.verb !== undefined)
      run.order(body.verb, 'anna', body.why ?? null, body.throttle, Date.now());
    return run?.run;
  }

  #listen(response: ServerResponse): void {
    response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
    this.#listeners.add(response);
    response.on('close', () => this.#listeners.delete(response));
    this.#tell(response);
  }

  /** Every address that is no file is a page: the interface finds its way itself. */
  #file(path: string, response: ServerResponse): void {
    const name = path.startsWith('/assets/') ? normalize(path) : '/index.html';
    response.writeHead(200, {
      'content-type': TYPES[extname(name)] ?? 'application/octet-stream',
      'content-security-policy': PAGE_POLICY,
    });
    response.end(readFileSync(join(this.#dist, name)));
  }
}

interface Body {
  readonly text?: string;
  readonly config?: Readonly<Record<string, unknown>>;
  readonly mode: RunMode;
  readonly task: string;
  readonly bindings?: readonly string[];
  readonly reason?: string;
  readonly verb?: RunVerb;
  readonly why?: string | null;
  readonly throttle?: Throttle;
}

async function bodyOf(request: IncomingMessage): Promise<Body> {
  const parts: Buffer[] = [];
  for await (const part of request as AsyncIterable<Buffer>) parts.push(part);
  return JSON.parse(Buffer.concat(parts).toString('utf8') || '{}') as Body;
}
