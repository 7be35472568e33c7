import type { Run } from '@brimful/model';
import { isOver } from '../run-state.ts';
import type { RunMeans } from './means.ts';
import { RunTask } from './run-task.ts';

/** Executes every run that is not over, in this process. What the record says is done; nothing else tells it anything. */
export class RunExecutor {
  readonly #means: RunMeans;
  readonly #tasks = new Map<string, RunTask>();

  constructor(means: RunMeans) {
    this.#means = means;
  }

  /** The run that reads a generation of a collection, for whose sake it is held back; undefined: a first read. */
  readerOf(collection: string, generation: number): string | undefined {
    return [...this.#tasks.values()].find((task) => task.reads(collection, generation))?.id;
  }

  async run(signal: AbortSignal): Promise<void> {
    const running = new Set<Promise<void>>();
    for await (const run of this.#means.book.watch(signal)) {
      const known = this.#tasks.get(run.id);
      if (known !== undefined) known.changed(run);
      else if (wantsWork(run)) {
        const task = new RunTask(this.#means, run);
        this.#tasks.set(run.id, task);
        const ended = task
          .run(signal)
          .catch((error: unknown) =>
            this.#means.context.log.error({ run: run.id, error }, 'a run came to a stop'),
          )
          .finally(() => {
            this.#tasks.delete(run.id);
            running.delete(ended);
          });
        running.add(ended);
      }
    }
    await Promise.allSettled(running);
  }
}

/** A cancelled run without a report has left something behind. */
function wantsWork(run: Run): boolean {
  if (run.state === 'cancelled') return run.report === null && run.startedAt !== null;
  if (run.state === 'undone') return run.undoUntil !== null;
  return !isOver(run.state) && run.state !== 'failed' && run.state !== 'planned';
}
