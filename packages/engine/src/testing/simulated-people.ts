import type { Run, RunRequest, RunVerb, Scope } from '@brimful/model';
import { NO_THROTTLE, Problem, WHOLE_TABLE } from '@brimful/model';
import { Backfills } from '../backfill/backfills.ts';
import { isOver } from '../backfill/run-state.ts';
import type { SimulatedTable } from './simulated-database.ts';
import { schemaOf } from './simulated-database.ts';
import type { SimulatedWorld } from './simulated-pipe.ts';
import { CAPTURE, lookingConnectors, specOf } from './simulated-pipe.ts';

/** What a run is refused for that somebody else was quicker, or that is as it should be. */
const REFUSALS: ReadonlySet<string> = new Set([
  'BRM-RUN-REFUSED',
  'BRM-PLAN-BLOCKED',
  'BRM-PLAN-DRIFT',
  'BRM-REQUEST-BINDING',
]);

/** Users who order runs, and change their minds about them. */
export class SimulatedPeople {
  readonly backfills: Backfills;
  readonly #world: SimulatedWorld;
  /** Runs that they may still order. */
  left: number;

  constructor(world: SimulatedWorld, runs: number) {
    this.#world = world;
    this.left = runs;
    this.backfills = new Backfills({
      spec: specOf(world.targets.keys()),
      connectors: lookingConnectors(world),
      store: world.disk.open({ now: () => world.scheduler.now }, false),
      log: { debug: nothing, info: nothing, warn: nothing, error: nothing },
      now: () => world.scheduler.now,
    });
  }

  /** Something, anything. Takes no time: call it between two steps. */
  async act(): Promise<void> {
    const { random } = this.#world.scheduler;
    const runs = await this.backfills.runs();
    const open = runs.filter(({ state }) => !isOver(state));
    if (this.left > 0 && (open.length === 0 || random.chance(0.4))) {
      this.left -= 1;
      await this.order(this.anyRequest());
      return;
    }
    if (open.length === 0) return;
    const run = random.pick(open);
    await this.#tell(
      run,
      this.#anyVerb(run),
      random.chance(0.3) ? random.pick(run.bindings).collection : undefined,
    );
  }

  /** Lets everything come to its end: what waits for people waits no longer. */
  async settle(): Promise<void> {
    const { random } = this.#world.scheduler;
    for (const run of await this.backfills.runs()) {
      if (run.state === 'paused' || run.bindings.some(({ state }) => state === 'paused'))
        await this.#tell(run, 'resume');
      if (run.state === 'failed') await this.#tell(run, random.chance(0.3) ? 'retry' : 'cancel');
    }
  }

  /** Plans and applies it, accepting whatever is asked. Undefined when it is refused. */
  async order(request: RunRequest): Promise<Run | undefined> {
    const what = `${request.mode} ${request.scope.kind}`;
    try {
      const plan = await this.backfills.plan(request);
      const acknowledged = plan.guards.map(({ id }) => id);
      const run = await this.backfills.apply(plan.id, { who: 'ada', acknowledged });
      this.#world.count(`ordered: ${what}`);
      return run;
    } catch (thrown) {
      if (!isRefusal(thrown)) throw thrown;
      this.#world.count(`refused: ${what}: ${thrown.code}`);
      return undefined;
    }
  }

  anyRequest(): RunRequest {
    const { random } = this.#world.scheduler;
    const mode = random.pick([
      'reset',
      'reset',
      'incremental',
      'incremental',
      'materialization',
      'repair',
    ] as const);
    const tables = this.#world.source.tables.filter(
      (table) => mode === 'reset' || mode === 'materialization' || schemaOf(table).key.length > 0,
    );
    const one = random.pick(tables);
    const isMerged = mode === 'incremental' || mode === 'repair';
    const scope = isMerged ? this.anyScope(one, mode === 'repair') : WHOLE_TABLE;
    const chosen = scope.kind === 'all' && random.chance(0.5) ? tables : [one];
    const hasAll = chosen.length === this.#world.source.tables.length && random.chance(0.5);
    return {
      ...requestFor(mode, hasAll ? null : chosen.map(collectionOf)),
      task: mode === 'materialization' ? random.pick([...this.#world.targets.keys()]) : CAPTURE.name,
      scope,
      missingRows: random.chance(0.7) ? 'remove' : 'keep',
      throttle: { ...NO_THROTTLE, readers: random.pick([null, null, 1]) },
      windows: random.chance(0.1) ? [{ cron: '*/2 * * * *', minutes: 1, zone: 'UTC' }] : [],
      undoMilliseconds: random.pick([0, 2000, 3_600_000]),
      verify: random.pick(['full', 'full', 'counts']),
    };
  }

  anyScope(table: SimulatedTable, keysOnly = false): Scope {
    const { random } = this.#world.scheduler;
    const between = (limit: number): { from: string | null; to: string | null } => {
      const [low, high] = [random.below(limit), random.below(limit)].sort((a, b) => a - b) as [
        number,
        number,
      ];
      return {
        from: random.chance(0.2) ? null : String(low),
        to: random.chance(0.2) ? null : String(high + 1),
      };
    };
    const isDocs = table.name === 'public.docs';
    const kind = keysOnly ? 'keys' : random.pick(['all', 'key', 'keys', isDocs ? 'time' : 'key'] as const);
    switch (kind) {
      case 'all':
        return WHOLE_TABLE;
      case 'time':
        return { kind, column: 'n', zone: 'UTC', ...between(1000) };
      case 'key': {
        const { from, to } = between(isDocs ? 9 : 3);
        return { kind, from: from === null ? null : [from], to: to === null ? null : [to] };
      }
      case 'keys': {
        const count = 1 + random.below(4);
        const one = (): string[] =>
          isDocs ? [String(random.below(9))] : [String(random.below(3)), random.pick(['x', 'y', 'é'])];
        const keys = new Map(Array.from({ length: count }, one).map((key) => [key.join('/'), key]));
        return { kind, keys: [...keys.values()] };
      }
    }
  }

  #anyVerb({ state, undoUntil }: Run): RunVerb {
    const { random } = this.#world.scheduler;
    if (state === 'failed') return random.pick(['retry', 'cancel']);
    if (state === 'paused') return random.pick(['resume', 'resume', 'resume', 'cancel', 'retry', 'skip']);
    if (state === 'undone') return 'redo';
    if (state === 'swapped' && undoUntil !== null) return 'undo';
    return random.pick(['pause', 'pause', 'pause', 'cancel', 'skip', 'resume', 'retry', 'throttle']);
  }

  async #tell({ id, state }: Run, verb: RunVerb, collection?: string): Promise<void> {
    const { random } = this.#world.scheduler;
    const throttle = { ...NO_THROTTLE, readers: random.pick([null, 1, 2]) };
    try {
      await this.backfills.order(id, {
        verb,
        who: 'ada',
        why: null,
        ...(verb === 'throttle' ? { throttle } : {}),
        ...(collection === undefined ? {} : { collection }),
      });
      this.#world.count(`${verb}${collection === undefined ? '' : ' a table'} while ${state}`);
    } catch (thrown) {
      if (!isRefusal(thrown)) throw thrown;
    }
  }
}

/** A request with nothing special about it. */
export function requestFor(mode: RunRequest['mode'], bindings: readonly string[] | null): RunRequest {
  return {
    mode,
    task: CAPTURE.name,
    bindings,
    scope: WHOLE_TABLE,
    columns: null,
    reason: 'simulated',
    author: 'ada',
    acknowledged: [],
    missingRows: 'remove',
    deleteLimit: 1,
    throttle: NO_THROTTLE,
    windows: [],
    undoMilliseconds: 0,
    verify: 'full',
  };
}

export function collectionOf({ name }: SimulatedTable): string {
  return `shop/${name.slice('public.'.length)}`;
}

function isRefusal(thrown: unknown): thrown is Problem {
  return thrown instanceof Problem && REFUSALS.has(thrown.code);
}

function nothing(): void {
  return undefined;
}
