import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { Client } from '@brimful/api';
import { expect, onTestFinished, test } from 'vitest';
import { LISTENERS_LIMIT, LiveHub } from './live-hub.ts';
import { shownBy } from './shown.ts';
import { aRun, fakeTarget } from './testing/fake-target.ts';
import type { FakeTarget } from './testing/fake-target.ts';
import { served } from './testing/served.ts';
import { VerificationBook } from './verification-book.ts';

const CROWD = 200;
const TOLD = 3000;
const AT_ONCE = 500;
const PATIENCE = { timeout: 25_000, interval: 50 };

const idOf = (index: number): string => `run-${String(index).padStart(6, '0')}`;

/** Many more runs than anybody could look at; the loop turns between. */
async function tellRuns(target: FakeTarget): Promise<void> {
  for (let index = 1; index <= TOLD; index += 1) {
    target.show(aRun(idOf(index)));
    if (index % AT_ONCE === 0) await new Promise((resolve) => setImmediate(resolve));
  }
}

test(
  'what waits for a page that takes nothing has a limit, and is the newest',
  { timeout: 120_000 },
  async () => {
    const target = fakeTarget();
    const hub = new LiveHub(target, new VerificationBook(target, Date.now), shownBy(String));
    onTestFinished(() => hub.stop());
    await expect.poll(() => target.watchers()).toBe(1);
    const topics = new Set(['status', 'runs', 'logs'] as const);
    const slow = Array.from({ length: CROWD }, () => hub.listen(topics).getReader());
    await tellRuns(target);
    for (let index = 0; index < TOLD; index += 1) target.logs.add('info', {}, `line ${index}`);
    // A run as the last word: it is there when all before it was told.
    const last = aRun(idOf(TOLD + 1));
    target.show(last);
    await new Promise((resolve) => setTimeout(resolve, 0));
    hub.stop();
    for (const reader of slow) {
      const messages: string[] = [];
      for (let next = await reader.read(); !next.done; next = await reader.read())
        messages.push(new TextDecoder().decode(next.value));
      // What was on its way when it stopped taking, and then no more than the limit. (Invariant 9)
      expect(messages.length).toBeLessThan(1500);
      expect(messages.filter((message) => message.startsWith('event: log')).length).toBeLessThan(700);
      expect(messages.some((message) => message.startsWith('event: status'))).toBe(true);
      expect(messages.some((message) => message.includes(last.id))).toBe(true);
    }
  },
);

/** A page whose machine sleeps: it has asked, and takes nothing until it wakes up. */
function sleeper(url: string): { socket: Socket; wake: () => void; taken: () => number; tail: () => string } {
  const { hostname, port } = new URL(url);
  const socket = connect({ host: hostname, port: Number(port) });
  let taken = 0;
  let tail = '';
  socket.setEncoding('utf8').on('data', (text: string) => {
    taken += text.length;
    tail = (tail + text).slice(-20_000);
  });
  socket.pause();
  socket.write(`GET /api/v1/events?topics=runs HTTP/1.1\r\nhost: ${hostname}:${port}\r\n\r\n`);
  return { socket, wake: () => void socket.resume(), taken: () => taken, tail: () => tail };
}

test(
  'two hundred pages, most of them asleep: the others hear all, and those who wake up are soon up to date',
  { timeout: 120_000 },
  async () => {
    await using server = await served();
    await expect.poll(() => server.target.watchers()).toBe(1);
    const ending = new AbortController();
    const newest = new Map<number, string>();
    const awake = Array.from({ length: 20 }, async (_, index) => {
      for await (const one of new Client({ origin: server.url }).live(['runs'], ending.signal))
        if (one.event === 'run') newest.set(index, one.data.id);
    });
    const asleep = Array.from({ length: CROWD - awake.length }, () => sleeper(server.url));
    onTestFinished(() => asleep.forEach(({ socket }) => socket.destroy()));
    const metrics = async (): Promise<string> => (await fetch(`${server.url}/metrics`)).text();
    await expect.poll(metrics, PATIENCE).toContain(`brimful_http_listeners ${CROWD}\n`);
    await tellRuns(server.target);
    await expect.poll(() => new Set(newest.values()), PATIENCE).toEqual(new Set([idOf(TOLD)]));
    expect(newest.size).toBe(awake.length);
    // Calls are answered beside them.
    expect(await new Client({ origin: server.url }).call('getStatus', {})).toMatchObject({ captures: [{}] });
    asleep.forEach(({ wake }) => wake());
    for (const { tail } of asleep) await expect.poll(tail, PATIENCE).toContain(idOf(TOLD));
    ending.abort();
    await Promise.all(awake);
    expect(LISTENERS_LIMIT).toBeGreaterThan(CROWD);
  },
);
