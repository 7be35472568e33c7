import type { RunDraft } from '@brimful/engine';
import type { RunState } from '@brimful/model';
import { Problem } from '@brimful/model';
import { orderRun, tell, untilRun } from './order-run.ts';
import type { PipeBed } from './pipe-bed.ts';
import type { PipeProcess } from './pipe-process.ts';

/** Generous. */
const KILLED_MILLISECONDS = 240_000;

type Order = () => Promise<string>;

/** A live database behind pipes that are killed at one place after another while a run goes on. */
export class KilledPipes {
  readonly #bed: PipeBed;
  readonly #known = new Set<string>();

  constructor(bed: PipeBed) {
    this.#bed = bed;
  }

  /**
   * Each pipe goes on from where the one before was killed; the last one brings the run to its end. Fails when a place is
   * not reached, or when a table of the run has a problem.
   */
  async through(order: Order, points: readonly string[], ...ends: readonly RunState[]): Promise<string> {
    let id: string | undefined;
    for (const point of points) {
      await using pipe = this.#bed.start({ BRIMFUL_CRASH_AT: point });
      id ??= await unlessKilled(order);
      await untilKilled(pipe, point, () => this.#shown(id));
    }
    await using pipe = this.#bed.start();
    id ??= await order();
    const run = await untilRun(() => this.#bed.control(), id, ...ends);
    const failed = run.bindings.filter(({ problem }) => problem !== null);
    if (failed.length > 0) throw new Error(`${id}:\n${JSON.stringify(failed, null, 1)}`);
    this.#known.add(id);
    await pipe.kill();
    return id;
  }

  async #shown(id: string | undefined): Promise<string> {
    const client = await this.#bed.control();
    const { plan, ...run } = await client.backfills.run(id ?? '');
    return JSON.stringify({ ...run, request: plan.request, status: await client.status() }, null, 1);
  }

  /** A new run, unless a pipe that was killed before it could answer has entered it already. */
  ordered(draft: Omit<RunDraft, 'author' | 'reason'>): Order {
    return async () => {
      const client = await this.#bed.control();
      const entered = (await client.backfills.runs()).find(({ id }) => !this.#known.has(id));
      return entered === undefined ? (await orderRun(client, draft)).run.id : entered.id;
    };
  }

  told(id: string, verb: 'undo' | 'redo'): Order {
    return async () => {
      const client = await this.#bed.control();
      const { intent } = await client.backfills.run(id);
      if (intent !== verb) await tell(client, id, verb);
      return id;
    };
  }
}

async function unlessKilled(order: Order): Promise<string | undefined> {
  try {
    return await order();
  } catch (thrown) {
    if (thrown instanceof Problem && thrown.code.startsWith('BRM-CONTROL')) return undefined;
    throw thrown;
  }
}

async function untilKilled(pipe: PipeProcess, point: string, shown: () => Promise<string>): Promise<void> {
  const late = Promise.withResolvers<'late'>();
  const timer = setTimeout(() => late.resolve('late'), KILLED_MILLISECONDS);
  const how = await Promise.race([pipe.exited, late.promise]);
  clearTimeout(timer);
  if (how !== 'SIGKILL')
    throw new Error(`${point} was not reached: ${how}\n${await shown()}\n${pipe.stderr.slice(-4000)}`);
}
