import type { DiskStatus, Limits } from '@brimful/model';
import type { Store } from '@brimful/store';
import type { PauseGate } from '../flow/pause-gate.ts';
import { sleep } from '../flow/pause-gate.ts';

const LOOK_MILLISECONDS = 2000;
/** Space above the limit before captures go on, so that they do not flutter. */
const HYSTERESIS = 1.1;

/** Closes the captures' gate while the disk is nearly full; materializations go on and retention may free some. */
export class DiskGuard {
  readonly #store: Store;
  readonly #limits: Limits;
  readonly #gate: PauseGate;
  #status: DiskStatus;

  constructor(store: Store, limits: Limits, gate: PauseGate) {
    this.#store = store;
    this.#limits = limits;
    this.#gate = gate;
    this.#status = { usedBytes: 0, freeBytes: 0, limitBytes: limits.diskFreeBytes, paused: false };
  }

  get status(): DiskStatus {
    return this.#status;
  }

  async run(signal: AbortSignal): Promise<void> {
    for (;;) {
      await this.look();
      await sleep(LOOK_MILLISECONDS, signal);
    }
  }

  async look(): Promise<void> {
    const { usedBytes, freeBytes } = await this.#store.space();
    const { diskFreeBytes, diskUsedBytes } = this.#limits;
    const slack = this.#status.paused ? HYSTERESIS : 1;
    const tight = freeBytes < diskFreeBytes * slack;
    const large = diskUsedBytes !== undefined && usedBytes * slack > diskUsedBytes;
    const paused = tight || large;
    this.#status = { usedBytes, freeBytes, limitBytes: diskFreeBytes, paused };
    if (tight) {
      this.#gate.close(
        `paused: ${megabytes(freeBytes)} left on the data directory's disk, limit ${megabytes(diskFreeBytes)}`,
      );
    } else if (large) {
      this.#gate.close(
        `paused: the data directory holds ${megabytes(usedBytes)}, limit ${megabytes(diskUsedBytes ?? 0)}`,
      );
    } else if (this.#gate.reason !== undefined) {
      this.#gate.open();
    }
  }
}

function megabytes(bytes: number): string {
  return `${Math.round(bytes / 1024 ** 2)} MB`;
}
