import { setTimeout as sleep } from 'node:timers/promises';
import type { RuntimeStatus } from '@brimful/model';
import { Problem } from '@brimful/model';
import type { Pipe } from 'brimful';
import { formatBytes } from 'brimful';
import { arrivalOf, progressMark } from './arrival.ts';
import { TABLES } from './shop/schema.ts';
import type { LiveWriter } from './shop/writer.ts';
import type { Stage } from './stage.ts';

const LOOK_EVERY_MILLISECONDS = 200;
/** Nothing at all moved for so long: the run is stuck, not slow. */
const STUCK_MILLISECONDS = 180_000;

/** Shows the progress while something is waited for. */
export class Watch {
  readonly #pipe: Pipe;
  readonly #writer: LiveWriter | undefined;
  readonly #stage: Stage;
  /** What else is to be said under the progress. */
  aside: (() => string) | undefined;
  #stopped = false;

  constructor(pipe: Pipe, writer: LiveWriter | undefined, stage: Stage, stopped: Promise<void>) {
    this.#pipe = pipe;
    this.#writer = writer;
    this.#stage = stage;
    void stopped.then(() => {
      this.#stopped = true;
    });
  }

  /** False when the audience left first. Throws when a table failed or nothing moves any more. */
  async until(reached: (status: RuntimeStatus) => boolean | Promise<boolean>): Promise<boolean> {
    let mark = '';
    let movedAt = performance.now();
    for (;;) {
      const status = this.#pipe.status();
      this.#stage.progress(status, this.#footer(), this.#pipe.runs());
      if (this.#stopped) return false;
      const arrival = arrivalOf(status, TABLES.length);
      if (arrival.kind === 'failed') throw new Problem('BRM-DEMO-FAILED', arrival.problems.join('\n'));
      if (await reached(status)) return true;
      const now = progressMark(status);
      if (now !== mark) {
        mark = now;
        movedAt = performance.now();
      } else if (performance.now() - movedAt > STUCK_MILLISECONDS) {
        throw new Problem('BRM-DEMO-STUCK', `Nothing has moved for ${STUCK_MILLISECONDS / 1000} seconds.`, {
          kind: 'bug',
        });
      }
      await Promise.race([sleep(LOOK_EVERY_MILLISECONDS), this.#pipe.finished]);
    }
  }

  #footer(): string {
    const parts = [
      this.#writerText(),
      this.aside?.() ?? '',
      `this process ${formatBytes(process.memoryUsage.rss())}`,
    ];
    return parts.filter((part) => part !== '').join('; ');
  }

  #writerText(): string {
    if (this.#writer === undefined) return '';
    const { transactions, perSecond } = this.#writer.status;
    return `Writer: ${transactions.toLocaleString('en-US')} transactions, ${Math.round(perSecond)}/s`;
  }
}
