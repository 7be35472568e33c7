import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, onTestFinished, test, vi } from 'vitest';
import type { AlertWatchOptions } from './alert-watch.ts';
import { AlertWatch } from './alert-watch.ts';
import { aCapture, aStatus, DENIED, LIMITS } from './testing/sights.ts';
import { enqueue, MESSAGES_LIMIT } from './webhook-queue.ts';
import { GIVE_UP_MILLISECONDS, pauseAfter, Webhook } from './webhook.ts';
import { signatureOf, testMessage } from './webhook-message.ts';
import { newBook } from './alert-book.ts';
import { ALERT } from '../http/testing/fake-target.ts';

const SECRET = 'a-secret-of-enough-length';
const silent = { debug() {}, info() {}, warn() {}, error() {} };
type Answer = (response: ServerResponse, count: number) => void;

interface Received {
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

/** A real server that does as told. */
class Receiver {
  readonly received: Received[] = [];
  answer: Answer = (response) => void response.writeHead(204).end();
  port = 0;
  readonly #server = createServer((request, response) => void this.#take(request, response));

  async listen(port = 0): Promise<this> {
    this.#server.listen(port, '127.0.0.1');
    await once(this.#server, 'listening');
    this.port = (this.#server.address() as AddressInfo).port;
    onTestFinished(() => this.close());
    return this;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}/hooks/T0K3N`;
  }

  get events(): string[] {
    return this.received.map(({ body }) => {
      const { event, alert } = JSON.parse(body) as { event: string; alert: { id: string } };
      return `${event} ${alert.id}`;
    });
  }

  async close(): Promise<void> {
    if (!this.#server.listening) return;
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }

  async #take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const parts: Buffer[] = [];
    for await (const part of request as AsyncIterable<Buffer>) parts.push(part);
    this.received.push({ headers: request.headers, body: Buffer.concat(parts).toString() });
    this.answer(response, this.received.length);
  }
}

/** One key, as the store keeps it: JSON. */
class Registry {
  text: string | undefined;
  async get<V>(key: string): Promise<{ key: string; value: V; revision: number } | undefined> {
    return this.text === undefined ? undefined : { key, value: JSON.parse(this.text) as V, revision: 1 };
  }
  async put(_key: string, value: unknown): Promise<number> {
    this.text = JSON.stringify(value);
    return 1;
  }
}

/** A pipe whose capture has failed, or not; its clock goes as fast as it is told to. */
class Watched {
  isFailed = true;
  passed = 0;
  readonly registry = new Registry();
  watch: AlertWatch | undefined;

  async open(url: string | undefined, parts: Partial<AlertWatchOptions> = {}): Promise<AlertWatch> {
    const now = (): number => Date.now() + this.passed;
    const settings = { version: '9.9.9', now, attemptMilliseconds: 200 };
    this.watch = await AlertWatch.open({
      registry: this.registry as unknown as AlertWatchOptions['registry'],
      status: () =>
        aStatus({ captures: [this.isFailed ? aCapture({ state: 'failed', problem: DENIED }) : aCapture()] }),
      limits: LIMITS,
      webhook: url === undefined ? undefined : new Webhook({ url, secret: SECRET }, settings),
      from: 'info',
      log: silent,
      now,
      lookMilliseconds: 10,
      ...parts,
    });
    onTestFinished(() => this.close());
    return this.watch;
  }

  async close(): Promise<void> {
    await this.watch?.[Symbol.asyncDispose]();
    this.watch = undefined;
  }

  async raise(): Promise<void> {
    this.isFailed = true;
    await this.looked();
    this.passed += 6000;
    await vi.waitUntil(() => this.watch?.list().open.length === 1);
  }

  async clear(): Promise<void> {
    this.isFailed = false;
    await this.looked();
    this.passed += 31_000;
    await vi.waitUntil(() => this.watch?.list().open.length === 0);
  }

  async looked(): Promise<void> {
    this.watch?.look();
  }

  get delivery(): unknown {
    const { open = [], recent = [] } = this.watch?.list() ?? {};
    return [...open, ...recent][0]?.delivery;
  }
}

test('every raise and clear arrives once, signed, with what somebody needs', async () => {
  const receiver = await new Receiver().listen();
  const watched = new Watched();
  await watched.open(receiver.url);
  await watched.raise();
  await watched.clear();
  await expect
    .poll(() => receiver.events)
    .toEqual(['raised task-failed:shop/postgres', 'cleared task-failed:shop/postgres']);
  const [{ headers, body } = { headers: {}, body: '' }] = receiver.received;
  const timestamp = String(headers['x-brimful-timestamp']);
  expect(headers['x-brimful-signature']).toBe(signatureOf(SECRET, timestamp, body));
  expect(headers['x-brimful-delivery']).toBe('1-raised-critical');
  expect(headers['user-agent']).toBe('brimful/9.9.9');
  expect(JSON.parse(body)).toMatchObject({
    version: 1,
    event: 'raised',
    text: `[critical] shop/postgres has stopped: ${DENIED.message} ${DENIED.remedy}`,
    alert: { kind: 'task failed', severity: 'critical', path: '/sources/shop%2Fpostgres', clearedAt: null },
  });
  await expect
    .poll(() => watched.delivery)
    .toMatchObject({ event: 'cleared', state: 'delivered', attempts: 1 });
});

test('a receiver that answers 500, then is slow, then is there, gets the same message', async () => {
  const receiver = await new Receiver().listen();
  receiver.answer = (response, count) => {
    if (count === 1) response.writeHead(500).end();
    // The second is never answered.
    if (count >= 3) response.writeHead(200).end('ok');
  };
  const watched = new Watched();
  const watch = await watched.open(receiver.url);
  await watched.raise();
  await expect
    .poll(() => watched.delivery)
    .toMatchObject({ state: 'waiting', error: 'the receiver answered 500' });
  watched.passed += pauseAfter(1);
  await expect.poll(() => watched.delivery, { timeout: 5000 }).toMatchObject({ error: 'no answer in 0.2 s' });
  watched.passed += pauseAfter(2);
  await expect
    .poll(() => watched.delivery, { timeout: 5000 })
    .toMatchObject({ state: 'delivered', attempts: 3, error: null });
  expect(new Set(receiver.received.map(({ headers }) => headers['x-brimful-delivery'])).size).toBe(1);
  expect(watch.list().webhook).toMatchObject({ waiting: 0, delivered: 1, failed: 2, last: { ok: true } });
});

test('while nobody is there alerts are shown all the same, and told after a restart', async () => {
  const receiver = await new Receiver().listen();
  await receiver.close();
  const watched = new Watched();
  const watch = await watched.open(receiver.url);
  await watched.raise();
  await expect
    .poll(() => watched.delivery)
    .toMatchObject({ state: 'waiting', error: 'no connection: ECONNREFUSED' });
  expect(watch.list()).toMatchObject({ open: [{ kind: 'task failed' }], webhook: { waiting: 1 } });
  expect(JSON.stringify(watch.list()), 'an address is a secret').not.toContain('T0K3N');
  await watched.close();
  const again = await new Receiver().listen(receiver.port);
  watched.passed += pauseAfter(5);
  await watched.open(again.url);
  await expect.poll(() => again.events).toEqual(['raised task-failed:shop/postgres']);
  await watched.clear();
  await expect.poll(() => again.events.length).toBe(2);
  expect(watched.watch?.list().recent).toMatchObject([{ number: 1 }]);
});

test('a pipe that stops while an attempt is under way does not wait for it, and sends it again', async () => {
  const receiver = await new Receiver().listen();
  receiver.answer = () => undefined;
  const watched = new Watched();
  await watched.open(receiver.url, {
    webhook: new Webhook(
      { url: receiver.url, secret: undefined },
      { version: '1', now: Date.now, attemptMilliseconds: 60_000 },
    ),
  });
  await watched.raise();
  await expect.poll(() => receiver.events.length).toBe(1);
  await watched.close();
  receiver.answer = (response) => void response.writeHead(200).end();
  await watched.open(receiver.url);
  await expect.poll(() => watched.delivery).toMatchObject({ state: 'delivered' });
});

test('a receiver that refuses is not asked again; what comes later is told', async () => {
  const receiver = await new Receiver().listen();
  receiver.answer = (response, count) => void response.writeHead(count === 1 ? 410 : 200).end();
  const watched = new Watched();
  await watched.open(receiver.url);
  await watched.raise();
  await expect
    .poll(() => watched.delivery)
    .toMatchObject({ state: 'failed', error: 'the receiver answered 410' });
  await watched.clear();
  await expect.poll(() => watched.delivery).toMatchObject({ event: 'cleared', state: 'delivered' });
  expect(receiver.received.length).toBe(2);
});

test('a message is not followed to where it was not sent', async () => {
  const [receiver, other] = [await new Receiver().listen(), await new Receiver().listen()];
  receiver.answer = (response) => void response.writeHead(302, { location: other.url }).end();
  const webhook = new Webhook({ url: receiver.url, secret: SECRET }, { version: '1', now: Date.now });
  const outcome = await webhook.send(testMessage(1), new AbortController().signal);
  expect(outcome).toMatchObject({ state: 'refused', status: 302 });
  expect(other.received).toEqual([]);
});

test('a message that nobody took for a day is given up', async () => {
  const receiver = await new Receiver().listen();
  receiver.answer = (response) => void response.writeHead(503).end();
  const watched = new Watched();
  await watched.open(receiver.url);
  await watched.raise();
  await expect.poll(() => watched.delivery).toMatchObject({ state: 'waiting' });
  watched.passed += GIVE_UP_MILLISECONDS;
  await expect.poll(() => watched.delivery, { timeout: 5000 }).toMatchObject({ state: 'failed' });
  expect(watched.watch?.list().webhook?.waiting).toBe(0);
});

test('a test says what became of it, and there is none without a webhook', async () => {
  const receiver = await new Receiver().listen();
  const watched = new Watched();
  watched.isFailed = false;
  const watch = await watched.open(receiver.url);
  expect(await watch.test()).toMatchObject({ state: 'delivered', status: 204 });
  expect(receiver.events).toEqual(['test test']);
  await receiver.close();
  expect(await watch.test()).toMatchObject({ state: 'again', status: null });
  await watched.close();
  const without = await watched.open(undefined);
  await expect(without.test()).rejects.toMatchObject({ code: 'BRM-ALERT-WEBHOOK' });
});

test('what somebody acknowledges is said to all who listen; nobody acknowledges what is not there', async () => {
  const watched = new Watched();
  const watch = await watched.open(undefined);
  await watched.raise();
  const heard: unknown[] = [];
  watch.listen(({ id, acknowledged }) => heard.push([id, acknowledged?.who]));
  watch.acknowledge('task-failed:shop/postgres', 'anna');
  expect(heard).toEqual([['task-failed:shop/postgres', 'anna']]);
  expect(() => watch.acknowledge('task-failed:nobody', 'anna')).toThrow(
    expect.objectContaining({ code: 'BRM-ALERT-UNKNOWN' }) as Error,
  );
});

test('less urgent alerts are not told where only worse ones are asked for, nor events that end by themselves', () => {
  const told = { book: { ...newBook(0), open: [ALERT] }, messages: [] };
  expect(enqueue(told, [{ event: 'raised', alert: ALERT }], 'critical', 1).messages).toEqual([]);
  expect(enqueue(told, [{ event: 'raised', alert: ALERT }], 'warning', 1).messages.length).toBe(1);
  const event = { ...ALERT, lasts: 'until seen' as const };
  expect(enqueue(told, [{ event: 'cleared', alert: event }], 'info', 1).messages).toEqual([]);
});

// Invariant 9
test('of too many messages the oldest are left out, and it is said', () => {
  const changes = Array.from({ length: MESSAGES_LIMIT + 1 }, (_, index) => ({
    event: 'raised' as const,
    alert: { ...ALERT, number: index, id: `slot-lag:${index}` },
  }));
  const told = { book: { ...newBook(0), open: changes.map(({ alert }) => alert) }, messages: [] };
  const next = enqueue(told, changes, 'info', 1);
  expect(next.messages.length).toBe(MESSAGES_LIMIT);
  expect(next.book.open.slice(0, 2).map(({ delivery }) => delivery?.state)).toEqual(['left out', 'waiting']);
});
