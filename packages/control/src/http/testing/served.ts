import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { HttpSettings } from '../http-server.ts';
import { serveHttp } from '../http-server.ts';
import type { Audited } from '../audit.ts';
import type { FakeTarget } from './fake-target.ts';
import { fakeTarget, SECRET } from './fake-target.ts';

export const PASSWORD = 'correct horse battery staple';
export const TOKEN = 'brm_0123456789abcdefghijkl';

export interface Served extends AsyncDisposable {
  readonly url: string;
  readonly target: FakeTarget;
  readonly directory: string;
  audit(): Audited[];
}

const silent = { debug() {}, info() {}, warn() {}, error() {} };

/** A server on any free port, of a pipe that only seems to run. */
export async function served(
  settings: Partial<HttpSettings> = {},
  options: { readonly now?: () => number; readonly pagesDirectory?: string } = {},
): Promise<Served> {
  const directory = mkdtempSync(join(tmpdir(), 'brimful-http-'));
  const target = fakeTarget();
  const server = await serveHttp(target, {
    settings: { host: '127.0.0.1', port: 0, names: [], password: undefined, tokens: {}, ...settings },
    log: silent,
    redact: (text) => text.replaceAll(SECRET, '***'),
    now: options.now ?? Date.now,
    version: '9.9.9',
    dataDirectory: directory,
    pagesDirectory: options.pagesDirectory,
  });
  return {
    url: server.url.replace('localhost', '127.0.0.1'),
    target,
    directory,
    audit: () =>
      readFileSync(join(directory, 'audit.jsonl'), 'utf8')
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as Audited),
    [Symbol.asyncDispose]: async () => {
      await server[Symbol.asyncDispose]();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

/** As a program would send it. */
export function post(url: string, body: unknown, headers: Record<string, string> = {}): Promise<Response> {
  return fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });
}
