import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

import { afterEach, beforeEach, expect, test } from 'vitest';

import { startFaultProxy } from './fault-proxy.ts';
import type { FaultProxy } from './fault-proxy.ts';

let echo: ReturnType<typeof createServer>;
let proxy: FaultProxy;

beforeEach(async () => {
  echo = createServer((socket) => void socket.on('error', () => {}).pipe(socket));
  await new Promise<void>((done) => echo.listen(0, '127.0.0.1', done));
  proxy = await startFaultProxy({ port: (echo.address() as AddressInfo).port });
});

afterEach(async () => {
  await proxy[Symbol.asyncDispose]();
  echo.close();
});

async function open(): Promise<Socket> {
  const socket = connect(proxy.port, '127.0.0.1');
  await once(socket, 'connect');
  return socket;
}

async function receive(socket: Socket, bytes: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  while (length < bytes) {
    const [chunk] = (await once(socket, 'data')) as [Buffer];
    chunks.push(chunk);
    length += chunk.length;
  }
  return Buffer.concat(chunks);
}

test('forwards every byte both ways and passes on the end', async () => {
  const socket = await open();
  const sent = Buffer.alloc(1_000_000, 'brimful');
  const received = receive(socket, sent.length);
  socket.end(sent);
  expect((await received).equals(sent)).toBe(true);
  await once(socket, 'close');
  expect(proxy.connections).toBe(0);
  expect(proxy.forwardedBytes).toBe(2 * sent.length);
});

test('cut resets open connections and serves new ones', async () => {
  const socket = await open();
  const echoed = receive(socket, 1);
  socket.write('a');
  await echoed;
  const failure = once(socket, 'error').catch((error: unknown) => [error]);
  proxy.cut();
  expect(await failure).toMatchObject([{ code: 'ECONNRESET' }]);

  const next = await open();
  const again = receive(next, 1);
  next.write('b');
  expect((await again).toString()).toBe('b');
  next.destroy();
});

test('hold keeps bytes back and resume delivers them', async () => {
  const socket = await open();
  proxy.hold();
  let arrived = false;
  const received = receive(socket, 4).then((data) => {
    arrived = true;
    return data;
  });
  socket.write('held');
  await sleep(100);
  expect(arrived).toBe(false);
  proxy.resume();
  expect((await received).toString()).toBe('held');
  socket.destroy();
});

test('slow limits the rate', async () => {
  const socket = await open();
  proxy.slow(100_000);
  const startedAt = performance.now();
  const received = receive(socket, 20_000);
  socket.write(Buffer.alloc(20_000));
  await received;
  expect(performance.now() - startedAt).toBeGreaterThan(150);
  expect(() => proxy.slow(0)).toThrow(RangeError);
  socket.destroy();
});

test('refuse turns new connections away and keeps open ones; accept takes them again', async () => {
  const socket = await open();
  await proxy.refuse();
  await expect(open()).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  const received = receive(socket, 1);
  socket.write('x');
  expect((await received).toString()).toBe('x');
  const { port } = proxy;
  await proxy.accept();
  expect(proxy.port).toBe(port);
  (await open()).destroy();
  socket.destroy();
});

test('a target that refuses resets the client', async () => {
  await new Promise<void>((done) => echo.close(() => done()));
  const socket = await open();
  await expect(once(socket, 'close')).rejects.toMatchObject({ code: 'ECONNRESET' });
});

test('url points at the proxy and keeps the rest', () => {
  const url = proxy.url('postgres://me:secret@db.example:5432/shop?sslmode=disable');
  expect(url).toBe(`postgres://me:secret@127.0.0.1:${proxy.port}/shop?sslmode=disable`);
});
