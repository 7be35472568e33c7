import type { PostgresDestinationConfig } from './config.ts';
import { Lane } from './lane.ts';
import { clientConfig, sessionSettings } from './session.ts';
import type { Tuning } from './tuning.ts';

/** The connections that write. Opened when first needed, replaced when lost. */
export class Lanes implements AsyncDisposable {
  readonly #config: PostgresDestinationConfig;
  readonly #tuning: Tuning;
  readonly #idle: Lane[] = [];
  readonly #waiting: PromiseWithResolvers<void>[] = [];
  #free: number;
  #closed = false;
  /** Connections opened before the last `renew` are not used again. */
  #age = 0;
  readonly #ages = new WeakMap<Lane, number>();

  constructor(config: PostgresDestinationConfig, tuning: Tuning) {
    this.#tuning = tuning;
    this.#config = config;
    this.#free = config.connections;
  }

  /** Lends a connection to `work`, when one is free. */
  async use<Result>(work: (lane: Lane) => Promise<Result>): Promise<Result> {
    await this.#takeTurn();
    let lane: Lane | undefined;
    try {
      lane = await this.#connected();
      return await work(lane);
    } finally {
      if (lane !== undefined) await this.#giveBack(lane);
      const next = this.#waiting.shift();
      if (next === undefined) this.#free += 1;
      else next.resolve();
    }
  }

  /** Whatever work begins from now on begins on a new connection. */
  async renew(): Promise<void> {
    this.#age += 1;
    await Promise.all(this.#idle.splice(0).map(async (lane) => lane[Symbol.asyncDispose]()));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    await Promise.all(this.#idle.splice(0).map(async (lane) => lane[Symbol.asyncDispose]()));
  }

  async #takeTurn(): Promise<void> {
    if (this.#free > 0) {
      this.#free -= 1;
      return;
    }
    const turn = Promise.withResolvers<void>();
    this.#waiting.push(turn);
    await turn.promise;
  }

  async #connected(): Promise<Lane> {
    for (;;) {
      // The one used last: its plans and staging tables are warm.
      const lane = this.#idle.pop();
      if (lane === undefined) return this.#connect();
      if (lane.lost === undefined) return lane;
    }
  }

  async #connect(): Promise<Lane> {
    const age = this.#age;
    const lane = await Lane.connect(clientConfig(this.#config), sessionSettings(this.#config, this.#tuning));
    this.#ages.set(lane, age);
    return lane;
  }

  async #giveBack(lane: Lane): Promise<void> {
    const fresh = this.#ages.get(lane) === this.#age;
    if (lane.lost === undefined && fresh && !this.#closed) this.#idle.push(lane);
    else await lane[Symbol.asyncDispose]();
  }
}
