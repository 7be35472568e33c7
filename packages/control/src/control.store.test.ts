import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { RunDraft } from '@brimful/engine';
import type { BackfillPlan, Run, RuntimeStatus } from '@brimful/model';
import { Problem } from '@brimful/model';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ControlClient } from './control-client.ts';
import { BODY_LIMIT_BYTES, CALLS_LIMIT, serveControl, STREAMS_LIMIT } from './control-server.ts';
import type { BackfillCalls, ControlTarget } from './control-target.ts';

let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'brimful-control-'));
});

afterEach(() => rmSync(directory, { recursive: true, force: true }));

const DRAFT: RunDraft = { mode: 'reset', task: 'shop/pg', author: 'anna', reason: 'why not' };

/** Only what is said about them matters here. */
function status(): RuntimeStatus {
  const disk = { usedBytes: 1, freeBytes: 2, limitBytes: 3, paused: false };
  return { at: 1, startedAt: 1, pid: 7, captures: [], materializations: [], disk };
}

function aRun(id: string): Run {
  return { id, state: 'running', events: [] } as unknown as Run;
}

function target(
  backfills: Partial<BackfillCalls> = {},
  verify: ControlTarget['verify'] = async () => [],
): ControlTarget {
  const unexpected = (): never => {
    throw new Error('not expected');
  };
  return {
    status,
    verify,
    backfills: {
      plan: unexpected,
      findPlan: unexpected,
      plans: async () => [],
      apply: unexpected,
      runs: async () => [],
      run: unexpected,
      order: unexpected,
      watch: unexpected,
      ...backfills,
    },
  };
}

async function client(): Promise<ControlClient> {
  const found = await ControlClient.find(directory);
  if (found === undefined) throw new Error('nobody serves');
  return found;
}

test('calls arrive as they were made, and answers come back', async () => {
  const asked: unknown[] = [];
  await using _server = await serveControl(
    target({
      plan: async (draft) => {
        asked.push(draft);
        return { id: 'plan-1' } as BackfillPlan;
      },
      order: async (id, order) => {
        asked.push([id, order]);
        return aRun(id);
      },
    }),
    directory,
  );
  const { backfills, ...rest } = { backfills: (await client()).backfills, status: (await client()).status() };
  expect(await rest.status).toEqual(status());
  expect(await backfills.plan({ ...DRAFT, keys: ['1', '2'] })).toEqual({ id: 'plan-1' });
  const throttle = { bytesPerSecond: 20e6, readers: null };
  await backfills.order('run-1', { verb: 'throttle', who: 'anna', why: null, throttle });
  await backfills.order('run-1', { verb: 'skip', who: 'anna', why: 'broken', collection: 'shop/x' });
  expect(asked).toEqual([
    { ...DRAFT, keys: ['1', '2'] },
    ['run-1', { verb: 'throttle', who: 'anna', why: null, throttle }],
    ['run-1', { verb: 'skip', who: 'anna', why: 'broken', collection: 'shop/x' }],
  ]);
});

test('a problem keeps its code, kind, place and remedy on the way', async () => {
  const problem = new Problem('BRM-RUN-UNKNOWN', 'There is no run run-9.', {
    remedy: 'See `brimful backfill list`.',
    at: { run: 'run-9' },
  });
  await using _server = await serveControl(target({ run: () => Promise.reject(problem) }), directory);
  const refused = (await client()).backfills.run('run-9');
  await expect(refused).rejects.toMatchObject(problem.toJSON());
  await expect(refused).rejects.toBeInstanceOf(Problem);
});

describe('the socket', () => {
  test('is for its owner alone', async () => {
    await using server = await serveControl(target(), directory);
    expect(statSync(server.socket).mode & 0o777).toBe(0o600);
    expect(process.umask()).not.toBe(0o177);
  });

  test('goes with the server, and then nobody is found', async () => {
    const server = await serveControl(target(), directory);
    await server[Symbol.asyncDispose]();
    expect(existsSync(server.socket)).toBe(false);
    expect(await ControlClient.find(directory)).toBeUndefined();
  });

  test('of a process that was killed is nobody, and is replaced', async () => {
    const socket = join(directory, 'control.sock');
    const listen = `require('net').createServer().listen(process.argv[1], () => console.log('ready'))`;
    const child = spawn(process.execPath, ['-e', listen, socket], { stdio: ['ignore', 'pipe', 'inherit'] });
    await once(child.stdout, 'data');
    child.kill('SIGKILL');
    await once(child, 'close');
    expect(existsSync(socket)).toBe(true);
    expect(await ControlClient.find(directory)).toBeUndefined();
    await using _server = await serveControl(target(), directory);
    expect(await (await client()).status()).toEqual(status());
  });

  test('that somebody answers at, and a file that is no socket, are left alone', async () => {
    const socket = join(directory, 'control.sock');
    const other = createServer().listen(socket);
    await once(other, 'listening');
    await expect(serveControl(target(), directory)).rejects.toMatchObject({ code: 'BRM-CONTROL-TAKEN' });
    other.close();
    await once(other, 'close');
    writeFileSync(socket, 'mine');
    await expect(serveControl(target(), directory)).rejects.toMatchObject({ code: 'BRM-CONTROL-TAKEN' });
    expect(readFileSync(socket, 'utf8')).toBe('mine');
  });

  test('is elsewhere when the path of the data directory is too long for one', async () => {
    directory = join(directory, randomBytes(60).toString('hex'));
    mkdirSync(directory);
    const server = await serveControl(target(), directory);
    expect(Buffer.byteLength(server.socket)).toBeLessThanOrEqual(100);
    expect(statSync(dirname(server.socket)).mode & 0o777).toBe(0o700);
    expect(await (await client()).status()).toEqual(status());
    await server[Symbol.asyncDispose]();
    expect(existsSync(dirname(server.socket))).toBe(false);
    expect(existsSync(join(directory, 'control.json'))).toBe(false);
    // Anybody may prepare such a place in the temporary directory.
    mkdirSync(dirname(server.socket), { mode: 0o777 });
    await expect(serveControl(target(), directory)).rejects.toMatchObject({ code: 'BRM-CONTROL-PATH' });
    rmSync(dirname(server.socket), { recursive: true });
  });
});

describe('limits', () => {
  /** As another program would say it. */
  function post(path: string, body: string, method = 'POST'): Promise<{ status: number; text: string }> {
    return new Promise((resolve, reject) => {
      const socketPath = join(directory, 'control.sock');
      const sent = request({ socketPath, path, method, agent: false }, (response) => {
        let text = '';
        response.on('data', (part: Buffer) => {
          text += part.toString();
        });
        response.on('end', () => resolve({ status: response.statusCode ?? 0, text }));
      });
      sent.on('error', reject);
      sent.end(body);
    });
  }

  test('what is not a request is refused with a reason', async () => {
    await using _server = await serveControl(target(), directory);
    expect(await post('/backfills/plan', '{"mode":1}')).toMatchObject({
      status: 400,
      text: expect.stringContaining('mode'),
    });
    expect(await post('/backfills/plan', '{')).toMatchObject({ status: 400 });
    expect(await post('/toString', '{}')).toMatchObject({ status: 404 });
    expect(await post('/status', '', 'GET')).toMatchObject({ status: 404 });
    expect(await post('/status', '{"more":1}')).toMatchObject({ status: 400 });
    const verb = { id: 'run-1', verb: 'explode', who: 'me', why: null };
    expect(await post('/backfills/order', JSON.stringify(verb))).toMatchObject({ status: 400 });
  });

  test('a body without end is cut off, and the next request is served', async () => {
    await using _server = await serveControl(target(), directory);
    expect(await post('/backfills/plan', 'x'.repeat(BODY_LIMIT_BYTES + 1))).toMatchObject({
      status: 413,
      text: expect.stringContaining('BRM-CONTROL-TOO-LARGE'),
    });
    expect(await (await client()).status()).toEqual(status());
  });

  test('more calls than there are places are told to come back', async () => {
    const open = Promise.withResolvers<readonly Run[]>();
    await using _server = await serveControl(target({ runs: () => open.promise }), directory);
    const { backfills } = await client();
    const calls = Array.from({ length: CALLS_LIMIT }, () => backfills.runs());
    await expect
      .poll(() =>
        backfills.plans().then(
          () => 'served',
          (thrown: Problem) => thrown.code,
        ),
      )
      .toBe('BRM-CONTROL-BUSY');
    open.resolve([aRun('run-1')]);
    expect(await Promise.all(calls)).toHaveLength(CALLS_LIMIT);
    expect(await backfills.plans()).toEqual([]);
  });
});

/** Changes of runs, to any number of watchers. */
function shownRuns(): { watch: BackfillCalls['watch']; show: (run: Run) => void; watching: () => number } {
  const watchers = new Set<(run: Run) => void>();
  return {
    watching: () => watchers.size,
    show: (run) => watchers.forEach((tell) => tell(run)),
    async *watch(signal) {
      const queue: Run[] = [aRun('run-0')];
      let bell = Promise.withResolvers<void>();
      const tell = (run: Run): void => {
        queue.push(run);
        bell.resolve();
      };
      signal.addEventListener('abort', () => bell.resolve());
      watchers.add(tell);
      try {
        while (!signal.aborted) {
          bell = Promise.withResolvers<void>();
          const run = queue.shift();
          if (run === undefined) await bell.promise;
          else yield run;
        }
        signal.throwIfAborted();
      } finally {
        watchers.delete(tell);
      }
    },
  };
}

describe('streams', () => {
  test('many watch at once, each sees every change, and who stops watching is forgotten', async () => {
    const runs = shownRuns();
    await using _server = await serveControl(target(runs), directory);
    const { backfills } = await client();
    const stop = new AbortController();
    const seen = Array.from({ length: 8 }, async () => {
      const ids: string[] = [];
      for await (const run of backfills.watch(stop.signal)) {
        ids.push(run.id);
        if (run.id === 'run-2') return ids;
      }
      return ids;
    });
    await expect.poll(() => runs.watching()).toBe(8);
    runs.show(aRun('run-1'));
    runs.show(aRun('run-2'));
    expect(await Promise.all(seen)).toEqual(Array.from({ length: 8 }, () => ['run-0', 'run-1', 'run-2']));
    await expect.poll(() => runs.watching()).toBe(0);
  });

  test('more watchers than there are places are told to come back; the others go on', async () => {
    const runs = shownRuns();
    await using _server = await serveControl(target(runs), directory);
    const { backfills } = await client();
    const stop = new AbortController();
    const iterators = Array.from({ length: STREAMS_LIMIT }, () =>
      backfills.watch(stop.signal)[Symbol.asyncIterator](),
    );
    await Promise.all(iterators.map((one) => one.next()));
    const late = backfills.watch(stop.signal)[Symbol.asyncIterator]();
    await expect(late.next()).rejects.toMatchObject({ code: 'BRM-CONTROL-BUSY', kind: 'retry' });
    runs.show(aRun('run-5'));
    expect(await iterators[0]?.next()).toMatchObject({ value: { id: 'run-5' } });
    stop.abort();
    await expect.poll(() => runs.watching()).toBe(0);
  });

  test('a verification tells how far it is, then what it found', async () => {
    const progress = { subject: 'shop/orders', stage: 'collection', rows: 5 };
    await using _server = await serveControl(
      target({}, async (wanted, _signal, onProgress) => {
        onProgress(progress);
        await new Promise((resolve) => setTimeout(resolve, 20));
        return [{ subject: wanted.target } as never];
      }),
      directory,
    );
    const told: unknown[] = [];
    const wanted = { target: 'shop/orders', bindings: null, level: 'full' } as const;
    const signal = new AbortController().signal;
    const reports = await (await client()).verify(wanted, signal, (one) => told.push(one));
    expect(told).toEqual([progress]);
    expect(reports).toEqual([{ subject: 'shop/orders' }]);
  });

  test('whoever stops waiting for a verification ends it', async () => {
    const ended = Promise.withResolvers<void>();
    await using _server = await serveControl(
      target({}, async (_wanted, signal, onProgress) => {
        onProgress({ subject: 'shop/orders', stage: 'collection', rows: 1 });
        await once(signal, 'abort');
        ended.resolve();
        throw signal.reason;
      }),
      directory,
    );
    const stop = new AbortController();
    const wanted = { target: 'shop/orders', bindings: null, level: 'full' } as const;
    const verification = (await client()).verify(wanted, stop.signal, () => stop.abort());
    await expect(verification).rejects.toMatchObject({ name: 'AbortError' });
    await ended.promise;
  });

  test('a pipe that stops says so to whoever watches', async () => {
    const server = await serveControl(target(shownRuns()), directory);
    const watching = (await client()).backfills.watch(new AbortController().signal)[Symbol.asyncIterator]();
    await watching.next();
    const next = watching.next();
    const disposed = server[Symbol.asyncDispose]();
    await expect(next).rejects.toMatchObject({ code: 'BRM-CONTROL-STOPPED', kind: 'retry' });
    await disposed;
  });
});
