import { spawn, spawnSync } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import {
  appendFileSync,
  chmodSync,
  chownSync,
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { Client } from 'pg';

import { embeddedPostgres, findDebianPostgres } from './postgres-binaries.ts';
import type { PostgresBinaries } from './postgres-binaries.ts';
import { canReach, makeServerHome, serverAccount } from './server-account.ts';
import type { ServerAccount } from './server-account.ts';
import { startWatchdog } from './watchdog.ts';
import type { Watchdog } from './watchdog.ts';

export interface PostgresOptions {
  /**
   * `embedded` (default) is Postgres 18 from npm; `debian` the newest server Debian's packages installed; a number is that
   * major version, from npm, fetched the first time.
   */
  readonly version?: 'embedded' | 'debian' | number;
  /** Server settings over the defaults below, as in `postgresql.conf`. */
  readonly settings?: Readonly<Record<string, string>>;
  /** Kept when the server is disposed, and used again if it holds a cluster. Default: a temporary one. */
  readonly dataDirectory?: string;
  /** Makes the server ask for this password. Default: everybody on this machine may connect. */
  readonly password?: string;
}

/** How Postgres ends: `fast` rolls transactions back, `smart` waits for clients, `immediate` is a crash. */
export type StopMode = 'fast' | 'smart' | 'immediate';

/**
 * A real Postgres on a free port of 127.0.0.1. It ends with its owner, even by kill -9, and keeps port and data
 * over `stop`, `crash` and `restart`. Dispose it to remove its temporary files.
 */
export interface PostgresServer {
  readonly majorVersion: number;
  readonly port: number;
  readonly dataDirectory: string;
  /** Where `psql` and its like are, if this installation has them. */
  readonly binDirectory: string;
  /** The postmaster's process id; throws while the server is stopped. */
  readonly pid: number;
  readonly running: boolean;
  /** The superuser's connection string for a database (default `postgres`). */
  url(database?: string): string;
  /** Everything the server has logged. */
  log(): string;
  start(): Promise<void>;
  stop(mode?: StopMode): Promise<void>;
  restart(): Promise<void>;
  /** Stops as a crash does: no checkpoint is written, and the next start replays the log. */
  crash(): Promise<void>;
  /** Creates a database and returns its connection string. */
  createDatabase(name: string): Promise<string>;
  [Symbol.asyncDispose](): Promise<void>;
}

const SUPERUSER = 'postgres';
const START_TIMEOUT_MS = 60_000;
const STOP_TIMEOUT_MS = 60_000;
const POLL_MS = 20;
/** Another process may take a port between our finding it free and the server binding it. */
const PORT_ATTEMPTS = 5;
const SETTINGS_FILE = 'testbed.conf';
const STOP_SIGNALS = { smart: 'SIGTERM', fast: 'SIGINT', immediate: 'SIGQUIT' } as const;

const DEFAULT_SETTINGS: Readonly<Record<string, string>> = {
  listen_addresses: '127.0.0.1',
  wal_level: 'logical',
  max_wal_senders: '30',
  max_replication_slots: '30',
  max_connections: '200',
  max_prepared_transactions: '20',
  shared_buffers: '256MB',
  max_wal_size: '4GB',
  timezone: 'UTC',
  log_timezone: 'UTC',
};

export async function startPostgres(options: PostgresOptions = {}): Promise<PostgresServer> {
  const account = serverAccount();
  const server = new LocalPostgres(findBinaries(options, account), options, account);
  try {
    await server.start();
  } catch (error) {
    await server[Symbol.asyncDispose]();
    throw error;
  }
  return server;
}

function findBinaries(options: PostgresOptions, account: ServerAccount | undefined): PostgresBinaries {
  if (typeof options.version === 'number') return embeddedPostgres(account, options.version);
  if (options.version !== 'debian') return embeddedPostgres(account);
  const debian = findDebianPostgres();
  if (debian !== undefined) return debian;
  throw new Error(
    "Debian's Postgres is not installed: run `node scripts/install-postgres.mjs` as root, or `apt-get install postgresql`.",
  );
}

class LocalPostgres implements PostgresServer {
  readonly majorVersion: number;
  readonly binDirectory: string;
  readonly dataDirectory: string;
  readonly #home: string;
  readonly #options: PostgresOptions;
  readonly #account: ServerAccount | undefined;
  readonly #watchdog: Watchdog;
  #port = 0;
  #process: ChildProcess | undefined;

  constructor(binaries: PostgresBinaries, options: PostgresOptions, account: ServerAccount | undefined) {
    this.majorVersion = binaries.majorVersion;
    this.binDirectory = binaries.binDirectory;
    this.#options = options;
    this.#account = account;
    this.#home = makeServerHome(account);
    this.dataDirectory = options.dataDirectory ? resolve(options.dataDirectory) : join(this.#home, 'data');
    this.#watchdog = startWatchdog(this.dataDirectory, this.#home, account);
  }

  get port(): number {
    return this.#port;
  }

  get running(): boolean {
    return (
      this.#process !== undefined && this.#process.exitCode === null && this.#process.signalCode === null
    );
  }

  get pid(): number {
    if (!this.running || this.#process?.pid === undefined)
      throw new Error('This Postgres is stopped: it has no pid.');
    return this.#process.pid;
  }

  url(database = 'postgres'): string {
    const password =
      this.#options.password === undefined ? '' : `:${encodeURIComponent(this.#options.password)}`;
    return `postgres://${SUPERUSER}${password}@127.0.0.1:${this.#port}/${encodeURIComponent(database)}`;
  }

  log(): string {
    return existsSync(this.#logPath) ? readFileSync(this.#logPath, 'utf8') : '';
  }

  async start(): Promise<void> {
    if (this.running) return;
    if (!existsSync(join(this.dataDirectory, 'PG_VERSION'))) this.#createCluster();
    this.#writeSettings();
    for (let attempt = 1; ; attempt += 1) {
      if (this.#port === 0) this.#port = await findFreePort();
      const logStart = this.log().length;
      this.#launch();
      if (await this.#becomesReady()) return;
      const said = this.log().slice(logStart);
      if (!said.includes('could not bind') || attempt === PORT_ATTEMPTS) {
        throw new Error(`Postgres ${this.majorVersion} did not start in ${this.dataDirectory}:\n${said}`);
      }
      this.#port = 0;
    }
  }

  async stop(mode: StopMode = 'fast'): Promise<void> {
    const server = this.#process;
    if (!this.running || server === undefined) return;
    const ended = new Promise<void>((done) => server.once('exit', () => done()));
    server.ref();
    server.kill(STOP_SIGNALS[mode]);
    const giveUp = AbortSignal.timeout(STOP_TIMEOUT_MS);
    giveUp.addEventListener('abort', () => server.kill('SIGQUIT'));
    await ended;
    this.#process = undefined;
  }

  async restart(): Promise<void> {
    await this.stop('fast');
    await this.start();
  }

  async crash(): Promise<void> {
    await this.stop('immediate');
  }

  async createDatabase(name: string): Promise<string> {
    const client = new Client({ connectionString: this.url() });
    await client.connect();
    try {
      await client.query(`CREATE DATABASE ${client.escapeIdentifier(name)}`);
    } finally {
      await client.end();
    }
    return this.url(name);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // Temporary data needs no orderly end, and an orderly one can wait on a walsender.
    await this.stop(this.#options.dataDirectory === undefined ? 'immediate' : 'fast');
    this.#watchdog.dismiss();
    rmSync(this.#home, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  }

  get #logPath(): string {
    return join(this.#home, 'server.log');
  }

  #createCluster(): void {
    mkdirSync(this.dataDirectory, { recursive: true });
    if (this.#account !== undefined) chownSync(this.dataDirectory, this.#account.uid, this.#account.gid);
    chmodSync(this.dataDirectory, 0o700);
    if (!canReach(this.#account, this.dataDirectory)) {
      throw new Error(
        `${this.dataDirectory} is not reachable for user ${this.#account?.uid}, as which Postgres runs when we are ` +
          `root: choose a directory that other users can enter.`,
      );
    }
    const initdb = join(this.binDirectory, 'initdb');
    const { password } = this.#options;
    const options = ['-D', this.dataDirectory, '-U', SUPERUSER, '--encoding=UTF8', '--locale=C', '--no-sync'];
    if (password === undefined) {
      options.push('--auth=trust');
    } else {
      const passwordFile = this.#writeOwned('password', `${password}\n`);
      options.push('--auth=scram-sha-256', `--pwfile=${passwordFile}`);
    }
    const result = spawnSync(initdb, options, { ...this.#surroundings(), encoding: 'utf8' });
    if (password !== undefined) rmSync(join(this.#home, 'password'));
    if (result.status !== 0) {
      const reason = result.error?.message ?? `${result.stdout}\n${result.stderr}`;
      throw new Error(`initdb could not create ${this.dataDirectory}: ${reason}`);
    }
    appendFileSync(join(this.dataDirectory, 'postgresql.conf'), `\ninclude_if_exists = '${SETTINGS_FILE}'\n`);
  }

  /** In an included file rather than on the command line, so that ALTER SYSTEM can override them. */
  #writeSettings(): void {
    const settings = { ...DEFAULT_SETTINGS, unix_socket_directories: this.#home, ...this.#options.settings };
    const lines = Object.entries(settings).map(
      ([name, value]) => `${name} = '${value.replaceAll("'", "''")}'`,
    );
    const path = join(this.dataDirectory, SETTINGS_FILE);
    writeFileSync(path, `${lines.join('\n')}\n`, { mode: 0o600 });
    if (this.#account !== undefined) chownSync(path, this.#account.uid, this.#account.gid);
  }

  #launch(): void {
    const log = openSync(this.#logPath, 'a');
    const server = spawn(
      join(this.binDirectory, 'postgres'),
      ['-D', this.dataDirectory, '-p', String(this.#port)],
      // Its own session: a terminal's Ctrl-C is for us, and the server must outlive our shutting down.
      { ...this.#surroundings(), detached: true, stdio: ['ignore', log, log] },
    );
    closeSync(log);
    server.on('error', (error) => appendFileSync(this.#logPath, `${error.message}\n`));
    server.unref();
    this.#process = server;
  }

  async #becomesReady(): Promise<boolean> {
    const deadline = Date.now() + START_TIMEOUT_MS;
    while (this.running && Date.now() < deadline) {
      if (this.#reportsReady()) return true;
      await sleep(POLL_MS);
    }
    await this.stop('immediate');
    return false;
  }

  /** The postmaster writes its pid on the first line of its pid file and its state on the eighth. */
  #reportsReady(): boolean {
    const path = join(this.dataDirectory, 'postmaster.pid');
    if (!existsSync(path)) return false;
    const lines = readFileSync(path, 'utf8').split('\n');
    return Number(lines[0]) === this.#process?.pid && lines[7]?.trim() === 'ready';
  }

  #surroundings(): { uid?: number; gid?: number; cwd: string; env: NodeJS.ProcessEnv } {
    return { ...this.#account, cwd: this.#home, env: { PATH: '/usr/bin:/bin', LC_ALL: 'C', TZ: 'UTC' } };
  }

  #writeOwned(name: string, text: string): string {
    const path = join(this.#home, name);
    writeFileSync(path, text, { mode: 0o600 });
    if (this.#account !== undefined) chownSync(path, this.#account.uid, this.#account.gid);
    return path;
  }
}

async function findFreePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((done, fail) => {
    probe.once('error', fail);
    probe.listen(0, '127.0.0.1', done);
  });
  const { port } = probe.address() as AddressInfo;
  await new Promise<void>((done) => probe.close(() => done()));
  return port;
}
