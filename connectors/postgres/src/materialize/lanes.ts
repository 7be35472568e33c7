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
      if (lane === undefined)
        return Lane.connect(clientConfig(this.#config), sessionSettings(this.#config, this.#tuning));
      if (lane.lost === undefined) return lane;
    }
  }

  async #giveBack(lane: Lane): Promise<void> {
    if (lane.lost === undefined && !this.#closed) this.#idle.push(lane);
    else await lane[Symbol.asyncDispose]();
  }
}
