import type { Run } from '@brimful/model';
import { leavesSomething } from '../run-hold.ts';
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
    const begin = (run: Run): void => {
      const task = new RunTask(this.#means, run);
      this.#tasks.set(run.id, task);
      const ended = task
        .run(signal)
        .then(
          () => this.#ended(run.id, signal),
          (error: unknown) => {
            this.#tasks.delete(run.id);
            if (!signal.aborted)
              this.#means.context.log.error({ run: run.id, error }, 'a run came to a stop');
            return undefined;
          },
        )
        .then((again) => {
          running.delete(ended);
          if (again !== undefined) begin(again);
        });
      running.add(ended);
    };
    for await (const run of this.#means.book.watch(signal)) {
      const known = this.#tasks.get(run.id);
      if (known !== undefined) known.changed(run);
      else if (wantsWork(run)) begin(run);
    }
    await Promise.allSettled(running);
  }

  /** Somebody may have ordered something of it while it was coming to its end. */
  async #ended(id: string, signal: AbortSignal): Promise<Run | undefined> {
    if (signal.aborted) return undefined;
    const run = await this.#means.book.get(id);
    this.#tasks.delete(id);
    return wantsWork(run) ? run : undefined;
  }
}

function wantsWork(run: Run): boolean {
  const { state, undoUntil } = run;
  if (isOver(state) || (state === 'undone' && undoUntil === null)) return leavesSomething(run);
  return state !== 'failed' && state !== 'planned';
}
