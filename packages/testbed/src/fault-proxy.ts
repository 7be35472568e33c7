import { createServer, connect } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/**
 * A TCP proxy on 127.0.0.1 that misbehaves on demand. Faults apply to both directions of every connection, those
 * open now and those to come (except `cut`), until they are taken back.
 */
export interface FaultProxy {
  readonly port: number;
  /** Connections open through the proxy now. */
  readonly connections: number;
  /** Bytes forwarded so far, both directions together. */
  readonly forwardedBytes: number;
  /** The given connection string, with host and port replaced by the proxy's. */
  url(target: string): string;
  /** Resets every open connection (the peers see ECONNRESET). New ones are served as before. */
  cut(): void;
  /** Stops forwarding and keeps connections open: a network that has gone silent. */
  hold(): void;
  /** Forwards again, beginning with what was held. */
  resume(): void;
  /** Forwards each direction of a connection at no more than this rate; `undefined` lifts the limit. */
  slow(bytesPerSecond: number | undefined): void;
  /** Stops listening (clients see ECONNREFUSED). Open connections stay. */
  refuse(): Promise<void>;
  /** Listens again, on the same port. */
  accept(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

export interface FaultProxyOptions {
  readonly host?: string;
  readonly port: number;
}

/** A slowed direction sends this often, so that a low rate is a trickle and not rare bursts. */
const SLOW_TICK_MS = 20;

export async function startFaultProxy(target: FaultProxyOptions): Promise<FaultProxy> {
  const proxy = new TcpFaultProxy(target);
  await proxy.accept();
  return proxy;
}

class TcpFaultProxy implements FaultProxy {
  readonly #target: FaultProxyOptions;
  readonly #pairs = new Set<readonly [Socket, Socket]>();
  #server: Server | undefined;
  #port = 0;
  #forwardedBytes = 0;
  #bytesPerSecond: number | undefined;
  #held: PromiseWithResolvers<void> | undefined;

  constructor(target: FaultProxyOptions) {
    this.#target = target;
  }

  get port(): number {
    return this.#port;
  }

  get connections(): number {
    return this.#pairs.size;
  }

  get forwardedBytes(): number {
    return this.#forwardedBytes;
  }

  url(target: string): string {
    const url = new URL(target);
    url.hostname = '127.0.0.1';
    url.port = String(this.#port);
    return url.href;
  }

  cut(): void {
    for (const [client, server] of this.#pairs) {
      client.resetAndDestroy();
      server.resetAndDestroy();
    }
  }

  hold(): void {
    this.#held ??= Promise.withResolvers<void>();
  }

  resume(): void {
    this.#held?.resolve();
    this.#held = undefined;
  }

  slow(bytesPerSecond: number | undefined): void {
    if (bytesPerSecond !== undefined && !(bytesPerSecond > 0)) {
      throw new RangeError(
        `A rate must be above 0 bytes/s, not ${bytesPerSecond}: use hold() to stop forwarding.`,
      );
    }
    this.#bytesPerSecond = bytesPerSecond;
  }

  async refuse(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    // `close` frees the port at once; its callback would also wait for the connections that stay open.
    server?.close();
    await new Promise<void>((done) => setImmediate(done));
  }

  async accept(): Promise<void> {
    if (this.#server !== undefined) return;
    const server = createServer({ allowHalfOpen: true, noDelay: true }, (client) => this.#serve(client));
    await new Promise<void>((done, fail) => {
      server.once('error', fail);
      server.listen(this.#port, '127.0.0.1', done);
    });
    this.#port = (server.address() as AddressInfo).port;
    this.#server = server;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.refuse();
    this.cut();
    this.resume();
  }

  #serve(client: Socket): void {
    const { host = '127.0.0.1', port } = this.#target;
    const server = connect({ host, port, allowHalfOpen: true, noDelay: true });
    const pair = [client, server] as const;
    this.#pairs.add(pair);
    // One side's failure is the other side's: a reset must not look like an orderly end.
    client.on('error', () => server.resetAndDestroy());
    server.on('error', () => client.resetAndDestroy());
    client.once('close', () => this.#pairs.delete(pair));
    server.once('close', () => this.#pairs.delete(pair));
    void this.#forward(client, server);
    void this.#forward(server, client);
  }

  async #forward(from: Socket, to: Socket): Promise<void> {
    try {
      for await (const chunk of from.iterator({ destroyOnReturn: false }))
        await this.#send(chunk as Buffer, to);
      await this.#held?.promise;
      to.end();
    } catch {
      // The sockets' own error handlers have passed the failure on.
    }
  }

  async #send(chunk: Buffer, to: Socket): Promise<void> {
    let rest = chunk;
    while (rest.length > 0) {
      // In a loop: it may be held again before this direction gets its turn.
      while (this.#held !== undefined) await this.#held.promise;
      const rate = this.#bytesPerSecond;
      const length = rate === undefined ? rest.length : Math.max(1, Math.floor((rate * SLOW_TICK_MS) / 1000));
      const piece = rest.subarray(0, length);
      rest = rest.subarray(piece.length);
      if (to.destroyed) return;
      this.#forwardedBytes += piece.length;
      if (!to.write(piece)) await drained(to);
      if (rate !== undefined) await sleep((piece.length / rate) * 1000);
    }
  }
}

async function drained(socket: Socket): Promise<void> {
  if (socket.destroyed) return;
  await new Promise<void>((done) => {
    const settle = (): void => {
      socket.off('drain', settle).off('close', settle);
      done();
    };
    socket.on('drain', settle).on('close', settle);
  });
}
