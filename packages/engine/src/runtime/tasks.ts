import type { CaptureConnector, CaptureContext, Connector, SourceProbe } from '@brimful/connector';
import type { CaptureSpec, Spec } from '@brimful/model';
import { Problem } from '@brimful/model';
import { Governor } from '../backfill/govern/governor.ts';
import { CaptureTask } from '../capture/capture-task.ts';
import type { EngineContext } from '../context.ts';
import { ByteBudget } from '../flow/byte-budget.ts';
import { logAbout } from '../flow/log-about.ts';
import type { PauseGate } from '../flow/pause-gate.ts';
import { MaterializationTask } from '../materialization/materialization-task.ts';

/** Of the memory limit. What is read ahead is copied once more on its way out, so it counts double. */
const MATERIALIZATION_SHARE = 0.25;

/** Everything of a spec that runs, made and not started. */
export interface Tasks {
  readonly captures: readonly CaptureTask[];
  readonly materializations: readonly MaterializationTask[];
  /** One for each capture: what its source can bear. Empty where nothing is governed. */
  readonly governors: ReadonlyMap<string, Governor>;
  /** For work beside captures and materializations, which is small. */
  readonly context: EngineContext;
}

export interface TaskOptions {
  readonly spec: Spec;
  readonly connectors: { load(name: string): Promise<Connector> };
  /** Without its memory: every side has a budget of its own. */
  readonly context: Omit<EngineContext, 'memory'>;
  readonly gate: PauseGate;
  /** Whether reading goes by what its source can bear. */
  readonly governed: boolean;
}

export async function makeTasks(options: TaskOptions): Promise<Tasks> {
  const { spec, context } = options;
  // A budget each: a destination that is down must not starve the captures.
  const sharing = (share: number): EngineContext => ({
    ...context,
    memory: new ByteBudget(spec.limits.memoryBytes * share),
  });
  const captureContext = sharing(1 - MATERIALIZATION_SHARE);
  const materializationContext = sharing(MATERIALIZATION_SHARE);
  const materializations = await Promise.all(
    spec.materializations.map(async (materialization) => {
      const { destination } = await options.connectors.load(materialization.connector);
      if (destination === undefined)
        throw cannot(materialization.name, materialization.connector, 'be written to');
      const log = logAbout(context.log, { materialization: materialization.name });
      return new MaterializationTask({ ...materializationContext, log }, materialization, destination);
    }),
  );
  const governors = new Map<string, Governor>();
  const captures = await Promise.all(
    spec.captures.map(async (capture) => {
      const connector = await options.connectors.load(capture.connector);
      if (connector.capture === undefined) throw cannot(capture.name, capture.connector, 'be captured');
      const own = { ...captureContext, log: logAbout(context.log, { capture: capture.name }) };
      if (options.governed) governors.set(capture.name, governorOf(own, capture, connector.capture));
      const task = new CaptureTask(own, capture, connector.capture, options.gate);
      task.onCollection = (collection) => {
        for (const other of materializations) if (other.spec.source === capture.name) other.add(collection);
      };
      return task;
    }),
  );
  return { captures, materializations, governors, context: captureContext };
}

function governorOf(
  context: EngineContext,
  capture: CaptureSpec,
  connector: CaptureConnector<unknown>,
): Governor {
  const probing: CaptureContext = {
    log: context.log,
    now: () => context.now(),
    reach: (point) => context.reach(point),
    capture: capture.name,
    remember: () => Promise.resolve(),
  };
  const openProbe = (): Promise<SourceProbe> => connector.probe(capture.config, probing);
  return new Governor({ now: () => context.now(), log: context.log, openProbe });
}

function cannot(name: string, connector: string, what: string): Problem {
  return new Problem('BRM-CONFIG-CONNECTOR', `${name}: with the connector ${connector} nothing can ${what}`, {
    remedy: 'Use another connector: docs/reference/configuration.md has them all.',
    at: { name, connector },
  });
}
