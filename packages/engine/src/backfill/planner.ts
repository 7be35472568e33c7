import type {
  Arrival,
  CaptureConnector,
  CaptureContext,
  Connector,
  ConnectorContext,
  Destination,
  Logger,
  Resource,
  TableSurvey,
} from '@brimful/connector';
import type {
  CaptureSpec,
  Json,
  MaterializationBindingSpec,
  MaterializationSpec,
  ProblemRecord,
  RunMode,
  RunRequest,
  RuntimeStatus,
  Schema,
  Spec,
} from '@brimful/model';
import { Problem, STATUS_KEY, defaultTable, isDiscovered, toProblem } from '@brimful/model';
import type { Store } from '@brimful/store';
import { knownCollections } from '../capture/known-collections.ts';
import { isCutOff } from '../capture/lost-changes.ts';
import { measuredRead } from '../capture/reading-time.ts';
import { currentBase } from '../collection/base.ts';
import { collectionGenerations, tableGenerations } from '../collection/generations.ts';
import { journalId } from '../collection/journal-id.ts';
import { SchemaHistory } from '../collection/schema-history.ts';
import type { BindingFacts, PlanFacts, TableFacts } from './plan-facts.ts';
import type { PriceList } from './price.ts';
import type { RequestedTable } from './request.ts';
import { RunBook } from './run-book.ts';

export interface PlannerOptions {
  readonly spec: Spec;
  readonly connectors: { load(name: string): Promise<Connector> };
  readonly store: Store;
  readonly log: Logger;
  readonly now: () => number;
  readonly prices?: PriceList;
}

/** What a request is about, before its rows are. */
interface Target {
  readonly mode: RunMode;
  readonly task: string;
  readonly bindings: readonly string[] | null;
}

/** A table that a run is about: a collection and, for all but rebuilds from it, where its rows come from. */
interface Subject {
  readonly collection: string;
  readonly resource: Resource | null;
}

/** Collects what a plan rests on, from sources, destinations and the store. Changes nothing, and needs no running pipe. */
export class Planner {
  readonly #options: PlannerOptions;
  readonly #context: ConnectorContext;

  constructor(options: PlannerOptions) {
    this.#options = options;
    this.#context = { log: options.log, now: options.now, reach: () => undefined };
  }

  /** The tables of a request that is not typed yet. Throws `BRM-REQUEST-TASK` and `BRM-REQUEST-BINDING`. */
  async tables(target: Target): Promise<readonly RequestedTable[]> {
    const subjects = await this.#subjects(target);
    return Promise.all(
      subjects.map(async ({ collection, resource }) => ({
        collection,
        schema: resource?.schema ?? (await this.#shapes(collection)).at(-1) ?? NO_SCHEMA,
      })),
    );
  }

  /**
   * `whole`: all that a plan shows. `basis`: only what `basisOf` compares, without looking at tables.
   */
  async facts(request: RunRequest, extent: 'whole' | 'basis'): Promise<PlanFacts> {
    const { store, spec, prices, now } = this.#options;
    const subjects = await this.#subjects(request);
    const [status, runs, space] = await Promise.all([
      store.registry.get<RuntimeStatus>(STATUS_KEY),
      new RunBook(store.registry).list(),
      store.space(),
    ]);
    const whole = extent === 'whole';
    const surveys = await this.#surveys(request, whole ? subjects : []);
    const arrivals = new Map([...surveys].filter(([, { problem }]) => problem === null));
    const tables = await this.#tables(request, subjects, whole, arrivals);
    const bindings = await Promise.all(
      subjects.map(async (subject) => ({
        ...(await this.#binding(subject, status?.value)),
        survey: surveys.get(subject.collection) ?? null,
        tables: tables.get(subject.collection) ?? [],
      })),
    );
    const capture = status?.value.captures.find(({ name }) => name === request.task);
    return {
      now: now(),
      bindings,
      runs,
      firstRead: request.mode === 'materialization' ? null : await measuredRead(store.registry, request.task),
      disk: { freeBytes: space.freeBytes, keepFreeBytes: spec.limits.diskFreeBytes },
      prices: prices ?? null,
      captureProblem: capture?.state === 'failed' ? (capture.problem ?? null) : null,
    };
  }

  async #subjects(target: Target): Promise<readonly Subject[]> {
    const all =
      target.mode === 'materialization'
        ? await this.#materialized(this.#materialization(target.task))
        : await this.#captured(this.#capture(target.task));
    const { bindings } = target;
    if (bindings === null) return all;
    return bindings.map((name) => {
      const found = all.find(({ collection, resource }) => collection === name || resource?.name === name);
      if (found !== undefined) return found;
      const names = all.map(({ collection }) => collection).join(', ');
      throw new Problem('BRM-REQUEST-BINDING', `${target.task} has no binding ${name}.`, {
        remedy: names === '' ? 'It has none at all yet.' : `One of: ${names}.`,
        at: { task: target.task, binding: name },
      });
    });
  }

  #capture(name: string): CaptureSpec {
    const found = this.#options.spec.captures.find((capture) => capture.name === name);
    if (found !== undefined) return found;
    throw unknownTask('capture', name, this.#options.spec.captures);
  }

  #materialization(name: string): MaterializationSpec {
    const found = this.#options.spec.materializations.find(
      (materialization) => materialization.name === name,
    );
    if (found !== undefined) return found;
    throw unknownTask('materialization', name, this.#options.spec.materializations);
  }

  async #captured(capture: CaptureSpec): Promise<readonly Subject[]> {
    const connector = await this.#captureSide(capture);
    const resources = await connector.discover(capture.config, await this.#captureContext(capture));
    return resources.flatMap((resource) => {
      const collection = collectionOf(capture, resource);
      return collection === undefined ? [] : [{ collection, resource }];
    });
  }

  /** By what the store knows: the source is not asked. */
  async #materialized(materialization: MaterializationSpec): Promise<readonly Subject[]> {
    const named = materialization.bindings.map(({ source }) => source);
    const capture = this.#options.spec.captures.find(({ name }) => name === materialization.source);
    const followed =
      capture === undefined ? [] : await knownCollections(this.#options.store.registry, capture);
    return [...new Set([...named, ...followed])].map((collection) => ({ collection, resource: null }));
  }

  async #surveys(
    { task, scope }: RunRequest,
    subjects: readonly Subject[],
  ): Promise<ReadonlyMap<string, NonNullable<BindingFacts['survey']>>> {
    const asked = subjects.flatMap(({ collection, resource }) =>
      resource === null ? [] : [{ collection, resource: resource.name, scope }],
    );
    if (asked.length === 0) return new Map();
    const capture = this.#capture(task);
    const connector = await this.#captureSide(capture);
    const answers = await connector.survey(
      capture.config,
      asked.map(({ resource }) => ({ resource, scope })),
      await this.#captureContext(capture),
    );
    return new Map(
      answers.flatMap((answer, index) => {
        const collection = asked[index]?.collection;
        return collection === undefined ? [] : [[collection, answer]];
      }),
    );
  }

  async #binding(
    { collection, resource }: Subject,
    status: RuntimeStatus | undefined,
  ): Promise<Omit<BindingFacts, 'survey' | 'tables'>> {
    const { registry, journals } = this.#options.store;
    const generations = await collectionGenerations(registry, collection).read();
    const [shapes, journal, base] = await Promise.all([
      this.#shapes(collection, generations.current),
      journals.state(journalId(collection, generations.current)),
      currentBase(registry, collection, generations.current),
    ]);
    const published = status?.captures
      .flatMap(({ bindings }) => bindings)
      .find((binding) => binding.collection === collection);
    return {
      collection,
      resource: resource?.name ?? null,
      sourceSchema: resource?.schema ?? null,
      schema: shapes.at(-1) ?? null,
      shapes,
      generations,
      journal: journal ?? null,
      hasBase: base !== undefined,
      // What came since the base is not in it: near enough for a comparison with statistics.
      collectionRows: base === undefined ? null : { value: base.rows, quality: 'sampled' },
      phase: published?.phase ?? null,
      isCutOff: isCutOff(published?.problem),
    };
  }

  /** Per collection, the tables that the run renews or merges into. */
  async #tables(
    request: RunRequest,
    subjects: readonly Subject[],
    looks: boolean,
    arrivals: ReadonlyMap<string, Arrival>,
  ): Promise<ReadonlyMap<string, readonly TableFacts[]>> {
    const touched = this.#options.spec.materializations.filter(
      ({ name }) => request.mode !== 'materialization' || name === request.task,
    );
    const found = await Promise.all(
      touched.map(async (materialization) => {
        const bindings = subjects.flatMap(({ collection }) => {
          const binding = tableBinding(materialization, collection, request);
          return binding === undefined ? [] : [binding];
        });
        return this.#tablesOf(materialization, bindings, looks, arrivals);
      }),
    );
    const tables = new Map<string, TableFacts[]>();
    for (const { collection, facts } of found.flat())
      tables.set(collection, [...(tables.get(collection) ?? []), facts]);
    return tables;
  }

  async #tablesOf(
    materialization: MaterializationSpec,
    bindings: readonly MaterializationBindingSpec[],
    looks: boolean,
    arrivals: ReadonlyMap<string, Arrival>,
  ): Promise<readonly { readonly collection: string; readonly facts: TableFacts }[]> {
    if (bindings.length === 0) return [];
    const survey = looks
      ? await this.#destinationSurvey(materialization, bindings, arrivals)
      : (): TableAnswer => ({ survey: null, problem: null });
    return Promise.all(
      bindings.map(async ({ source, table, deletes, adopt }) => ({
        collection: source,
        facts: {
          materialization: materialization.name,
          table,
          deletes,
          adopt,
          generations: await tableGenerations(
            this.#options.store.registry,
            materialization.name,
            table,
          ).read(),
          ...survey(table),
        },
      })),
    );
  }

  /** Asks for one table after the other. A destination that cannot be asked is a fact like others, not the plan's end. */
  async #destinationSurvey(
    { name, connector, config }: MaterializationSpec,
    bindings: readonly MaterializationBindingSpec[],
    arrivals: ReadonlyMap<string, Arrival>,
  ): Promise<(table: string) => TableAnswer> {
    const answers = new Map<string, TableAnswer>();
    let failed: ProblemRecord | null = null;
    try {
      const { destination } = await this.#options.connectors.load(connector);
      if (destination === undefined)
        throw new Problem('BRM-CONFIG-CONNECTOR', `${connector} cannot be materialized into.`);
      await using session: Destination = await destination.open(config, this.#context);
      for (const { table, source } of bindings) {
        const survey = await session.survey(table, name, arrivals.get(source));
        answers.set(table, { survey: survey ?? null, problem: null });
      }
    } catch (thrown) {
      failed = toProblem(thrown).toJSON();
      this.#options.log.warn({ materialization: name, problem: failed }, failed.message);
    }
    return (table) => answers.get(table) ?? { survey: null, problem: failed };
  }

  /** Oldest first. */
  async #shapes(collection: string, generation?: number): Promise<readonly Schema[]> {
    const { registry } = this.#options.store;
    const current = generation ?? (await collectionGenerations(registry, collection).read()).current;
    const history = new SchemaHistory(registry, collection, current);
    await history.load();
    return history.versions;
  }

  async #captureSide(capture: CaptureSpec): Promise<CaptureConnector<unknown>> {
    const connector = await this.#options.connectors.load(capture.connector);
    if (connector.capture !== undefined) return connector.capture;
    throw new Problem('BRM-CONFIG-CONNECTOR', `${capture.connector} cannot be captured from.`);
  }

  /** Looks without leaving a trace: nothing is remembered. */
  async #captureContext({ name }: CaptureSpec): Promise<CaptureContext> {
    const record = await this.#options.store.registry.get<{ readonly session: Json }>(`captures/${name}`);
    const session = record?.value.session ?? null;
    return {
      ...this.#context,
      capture: name,
      ...(session === null ? {} : { memory: session }),
      remember: () => Promise.resolve(),
    };
  }
}

interface TableAnswer {
  readonly survey: TableSurvey | null;
  readonly problem: ProblemRecord | null;
}

const NO_SCHEMA: Schema = { version: 1, columns: [], key: [] };

/** The collection a resource becomes; undefined: it is not captured. */
function collectionOf({ bindings, autoDiscover }: CaptureSpec, resource: Resource): string | undefined {
  const named = bindings.find((binding) => binding.resource === resource.name);
  if (named !== undefined) return named.target;
  return autoDiscover !== undefined && isDiscovered(resource.name, autoDiscover)
    ? `${autoDiscover.prefix}/${resource.suggestedTarget}`
    : undefined;
}

/** The table that a materialization makes of a collection, if it makes any. */
function tableBinding(
  { bindings, source, deletes, adopt }: MaterializationSpec,
  collection: string,
  { mode, task }: RunRequest,
): MaterializationBindingSpec | undefined {
  const named = bindings.find((binding) => binding.source === collection);
  if (named !== undefined) return named;
  const follows = mode === 'materialization' ? source !== undefined : source === task;
  return follows ? { source: collection, table: defaultTable(collection), deletes, adopt } : undefined;
}

function unknownTask(noun: string, name: string, known: readonly { readonly name: string }[]): Problem {
  const names = known.map((task) => task.name).join(', ');
  return new Problem('BRM-REQUEST-TASK', `There is no ${noun} called ${name}.`, {
    remedy: names === '' ? `The configuration has no ${noun}.` : `One of: ${names}.`,
    at: { task: name },
  });
}
