import { once } from 'node:events';
import { createAdaptorServer } from '@hono/node-server';
import type { Settings } from '@brimful/api';
import type { Logger } from '@brimful/connector';
import { Problem } from '@brimful/model';
import type { AccessSettings } from './access.ts';
import { Access } from './access.ts';
import { makeApp } from './app.ts';
import { AuditLog } from './audit.ts';
import { Desk } from './desk.ts';
import { Gate } from './gate.ts';
import type { HttpTarget } from './http-target.ts';
import { LiveHub } from './live-hub.ts';
import { isLoopback } from './origin.ts';
import { Pages } from './pages.ts';
import { shownBy } from './shown.ts';
import { USAGE_EVERY_MILLISECONDS, UsageSeries } from './usage-series.ts';
import { VerificationBook } from './verification-book.ts';

export const DEFAULT_HOST = '127.0.0.1';
export const DEFAULT_PORT = 4646;
/** For headers, and for a whole request, to arrive: whoever is slower holds up a place. */
const HEADERS_MILLISECONDS = 10_000;
const ARRIVAL_MILLISECONDS = 60_000;
/** Streams, calls, and what browsers keep open. */
const CONNECTIONS_LIMIT = 1024;
/** For answers under way when the pipe stops. */
const GOODBYE_MILLISECONDS = 1000;

export interface HttpSettings extends AccessSettings {
  readonly host: string;
  /** 0: any that is free. */
  readonly port: number;
  /** Other names that people reach it by. */
  readonly names: readonly string[];
}

export interface HttpOptions {
  readonly settings: HttpSettings;
  readonly log: Logger;
  readonly redact: (text: string) => string;
  readonly now: () => number;
  readonly version: string;
  /** For the audit log. */
  readonly dataDirectory: string;
  /** Of the built pages; undefined: there are none. */
  readonly pagesDirectory: string | undefined;
}

export interface HttpServer extends AsyncDisposable {
  /** For a person to open. */
  readonly url: string;
}

/**
 * Serves a pipe over HTTP, with its pages. Throws `BRM-API-EXPOSED` when others could reach it and nothing keeps them out,
 * `BRM-API-PORT` when it cannot listen there.
 */
export async function serveHttp(target: HttpTarget, options: HttpOptions): Promise<HttpServer> {
  const { settings, log, now, version } = options;
  const access = await Access.create(settings, now);
  checkExposure(settings, access);
  const shown = shownBy(options.redact);
  const verifications = new VerificationBook(target, now);
  const usage = new UsageSeries();
  const pages = await Pages.read(options.pagesDirectory);
  const hub = new LiveHub(target, verifications, shown);
  const desk = new Desk({
    shelf: { target, verifications, usage, access, server: () => servedAt(server, settings) },
    hub,
    access,
    audit: new AuditLog(options.dataDirectory, log),
    shown,
    version,
    now,
  });
  const app = makeApp({ desk, gate: new Gate(access, settings, now), pages, version });
  const server = createAdaptorServer({
    fetch: app.fetch,
    serverOptions: { headersTimeout: HEADERS_MILLISECONDS, requestTimeout: ARRIVAL_MILLISECONDS },
  });
  server.maxConnections = CONNECTIONS_LIMIT;
  const stop = (): void => {
    hub.stop();
    verifications.stop();
  };
  try {
    await listen(server, settings);
  } catch (thrown) {
    stop();
    throw thrown;
  }
  usage.note(target.status());
  const counting = setInterval(() => usage.note(target.status()), USAGE_EVERY_MILLISECONDS);
  return {
    url: urlOf(server, settings.host),
    [Symbol.asyncDispose]: async () => {
      clearInterval(counting);
      stop();
      const closed = once(server, 'close');
      server.close();
      const end = setTimeout(() => closeAll(server), GOODBYE_MILLISECONDS);
      await closed;
      clearTimeout(end);
    },
  };
}

type Server = ReturnType<typeof createAdaptorServer>;

/** Whoever gives it another name than this machine's own has something before it that lets others in. */
function exposedAs({ host, names }: HttpSettings): string | undefined {
  return [host, ...names].find((name) => !isLoopback(name));
}

function checkExposure(settings: HttpSettings, access: Access): void {
  const exposed = exposedAs(settings);
  if (exposed === undefined || access.isRequired) return;
  throw new Problem('BRM-API-EXPOSED', `Others could reach ${exposed}, and nothing would keep them out.`, {
    remedy: 'Set server.password or server.tokens, or leave server.host at 127.0.0.1 and server.names empty.',
    at: { host: exposed },
  });
}

async function listen(server: Server, { host, port }: HttpSettings): Promise<void> {
  const listening = once(server, 'listening');
  server.listen(port, host);
  try {
    await listening;
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : String(cause);
    const why = code === 'EADDRINUSE' ? 'something else listens there' : code;
    throw new Problem('BRM-API-PORT', `Nothing can be served at ${host}:${port}: ${why}.`, {
      remedy: 'Choose another with --port, or 0 for any that is free.',
      at: { host, port },
      cause,
    });
  }
}

function urlOf(server: Server, host: string): string {
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const isAny = host === '0.0.0.0' || host === '::';
  const shown = isAny ? 'localhost' : host.includes(':') ? `[${host}]` : host;
  return `http://${shown}:${port}`;
}

function servedAt(server: Server, settings: HttpSettings): Settings['server'] {
  const { host, port, names } = settings;
  const address = server.address();
  const own = typeof address === 'object' && address !== null ? address.port : port;
  return { host, port: own, names: [...names], isExposed: exposedAs(settings) !== undefined };
}

function closeAll(server: Server): void {
  if ('closeAllConnections' in server) server.closeAllConnections();
}
