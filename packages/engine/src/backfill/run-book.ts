import type { BackfillPlan, Run } from '@brimful/model';
import { Problem } from '@brimful/model';
import type { Registry } from '@brimful/store';

const RUNS = 'runs/';
const PLANS = 'plans/';
/** Each lost race means that somebody else's write went in: so many in a row is no longer a race. */
const ATTEMPTS_LIMIT = 100;
/** Plans that were not applied are forgotten so long after they expired. */
const KEEP_PLANS_MILLISECONDS = 7 * 24 * 3_600_000;

/**
 * The durable runs and plans, in the store's registry. Every change is a compare-and-set of one record, so any number of
 * processes may change a run at once and none undoes what another did.
 */
export class RunBook {
  readonly #registry: Registry;

  constructor(registry: Registry) {
    this.#registry = registry;
  }

  /**
   * Enters a new run under the next id. `make` is given all runs there are, newest first, and may refuse by throwing: no
   * other run can come between what it saw and the new one, because both would take the same id.
   */
  async create(make: (id: string, runs: readonly Run[]) => Run): Promise<Run> {
    for (let attempt = 0; attempt < ATTEMPTS_LIMIT; attempt += 1) {
      const runs = await this.list();
      const run = make(runId(numberOf(runs[0]) + 1), runs);
      if (await this.#put(RUNS + run.id, run, 0)) return run;
    }
    throw busy('a new run');
  }

  /** Throws `BRM-RUN-UNKNOWN`. */
  async get(id: string): Promise<Run> {
    return (await this.#record(id)).value;
  }

  /** Newest first. */
  async list(): Promise<readonly Run[]> {
    const records = await this.#registry.list<Run>(RUNS);
    return records.map(({ value }) => value).sort((a, b) => numberOf(b) - numberOf(a));
  }

  /**
   * Writes what `change` makes of the run as it now is, durably, and returns it. `change` may be called several times, and
   * may refuse by throwing; when it returns what it was given nothing is written.
   */
  async change(id: string, change: (run: Run) => Run): Promise<Run> {
    for (let attempt = 0; attempt < ATTEMPTS_LIMIT; attempt += 1) {
      const { key, value, revision } = await this.#record(id);
      const next = change(value);
      if (next === value || (await this.#put(key, next, revision))) return next;
    }
    throw busy(id);
  }

  /** Every run as it is, oldest first, then again after each change, until aborted. May skip what is between. */
  async *watch(signal: AbortSignal): AsyncIterable<Run> {
    for await (const change of this.#registry.watch(RUNS, signal))
      if (change.kind === 'put') yield change.record.value as Run;
  }

  /** Replaces a plan of the same id, which promises the same. Old plans that nobody applied are forgotten. */
  async putPlan(plan: BackfillPlan): Promise<void> {
    await this.#registry.put(PLANS + plan.id, plan);
    for (const { key, value, revision } of await this.#registry.list<BackfillPlan>(PLANS)) {
      if (value.expiresAt + KEEP_PLANS_MILLISECONDS >= plan.createdAt) continue;
      await this.#registry.remove(key, revision).catch(ignoreConflict);
    }
  }

  async plan(id: string): Promise<BackfillPlan | undefined> {
    return (await this.#registry.get<BackfillPlan>(PLANS + id))?.value;
  }

  /** Newest first. */
  async plans(): Promise<readonly BackfillPlan[]> {
    const records = await this.#registry.list<BackfillPlan>(PLANS);
    return records.map(({ value }) => value).sort((a, b) => b.createdAt - a.createdAt);
  }

  async #record(
    id: string,
  ): Promise<{ readonly key: string; readonly value: Run; readonly revision: number }> {
    const record = await this.#registry.get<Run>(RUNS + id);
    if (record !== undefined) return record;
    throw new Problem('BRM-RUN-UNKNOWN', `There is no run ${id}.`, {
      remedy: 'See `brimful backfill list`.',
      at: { run: id },
    });
  }

  async #put(key: string, run: Run, expect: number): Promise<boolean> {
    try {
      await this.#registry.put(key, run, expect);
      return true;
    } catch (thrown) {
      ignoreConflict(thrown);
      return false;
    }
  }
}

/** Sorts as text up to a million runs, and by number beyond. */
function runId(number: number): string {
  return `run-${String(number).padStart(6, '0')}`;
}

function numberOf(run: Run | undefined): number {
  return run === undefined ? 0 : Number(run.id.slice('run-'.length));
}

function ignoreConflict(thrown: unknown): void {
  if (!(thrown instanceof Problem) || thrown.code !== 'BRM-STORE-CONFLICT') throw thrown;
}

function busy(what: string): Problem {
  return new Problem('BRM-RUN-BUSY', `${what} is being changed by others all the time`, { kind: 'retry' });
}
