import type { Answer, ConfiguredSettings, OperationName, Settings, ValidRequest } from '@brimful/api';
import type { Run } from '@brimful/model';
import { Problem } from '@brimful/model';
import type { Access, Caller } from './access.ts';
import { collectionsOf } from './collections.ts';
import type { HttpTarget } from './http-target.ts';
import { runSummary } from './run-summary.ts';
import type { UsageSeries } from './usage-series.ts';
import type { VerificationBook } from './verification-book.ts';

/** Signing in and out is about the connection, not about the pipe. */
export type SessionOperation = 'getSession' | 'signIn' | 'signOut';

export type Handlers = {
  readonly [Name in Exclude<OperationName, SessionOperation>]: (
    request: ValidRequest<Name>,
    caller: Caller,
  ) => Answer<Name> | Promise<Answer<Name>>;
};

export interface Shelf {
  readonly target: HttpTarget;
  readonly verifications: VerificationBook;
  readonly usage: UsageSeries;
  readonly access: Access;
  /** Where it is served. */
  readonly server: () => Settings['server'];
}

/** What every operation does. Requests are valid, callers are let in. */
export function handlersOf({ target, verifications, usage, access, server }: Shelf): Handlers {
  const { alerts, backfills, collections, logs } = target;
  return {
    getStatus: () => target.status(),
    listCaptures: () => ({ captures: [...target.status().captures] }),
    getCapture: ({ path }) => named(target.status().captures, path.name, 'capture'),
    listCollections: () => ({ collections: collectionsOf(target.status()) }),
    getCollection: async ({ path }) => {
      const collection = named(collectionsOf(target.status()), path.name, 'collection');
      return { collection, ...(await collections.generations(path.name)) };
    },
    previewCollection: ({ path, query }) => collections.preview(path.name, query.limit, query.skip),
    listSchemas: ({ path }) => collections.schemas(path.name),
    listMaterializations: () => ({ materializations: [...target.status().materializations] }),
    getMaterialization: ({ path }) => named(target.status().materializations, path.name, 'materialization'),
    planBackfill: ({ body }, { who }) =>
      backfills.plan({ ...withUndo(body, target.settings()), author: who }),
    listPlans: async () => ({ plans: [...(await backfills.plans())] }),
    getPlan: ({ path }) => backfills.findPlan(path.id),
    applyPlan: ({ path, body }, { who }) =>
      backfills.apply(path.id, { who, acknowledged: body.acknowledged }),
    listRuns: async ({ query }) => listed(await backfills.runs(), query),
    getRun: ({ path }) => backfills.run(path.id),
    orderRun: ({ path, body }, { who }) => {
      const { verb, why, collection, throttle } = body;
      return backfills.order(path.id, {
        verb,
        who,
        why,
        ...(collection === undefined ? {} : { collection }),
        ...(throttle === undefined ? {} : { throttle }),
      });
    },
    startVerification: ({ body }, { who }) => verifications.start(body, who),
    listVerifications: () => ({ verifications: verifications.list() }),
    getVerification: ({ path }) => verifications.find(path.id),
    cancelVerification: ({ path }) => verifications.cancel(path.id),
    listAlerts: () => {
      const { open, recent, webhook } = alerts.list();
      return { open: [...open], recent: [...recent], webhook };
    },
    acknowledgeAlert: ({ path }, { who }) => alerts.acknowledge(path.id, who),
    testAlerts: () => alerts.test(),
    listLogs: ({ query }) => ({ entries: logs.newest(query.limit, query.level, query.after) }),
    getSettings: () => ({
      ...target.settings(),
      server: server(),
      access: access.state(),
      startedAt: target.status().startedAt,
    }),
    getUsage: () => usage.usage(),
    ...catalogHandlers(target),
  };
}

type CatalogOperation =
  | `${string}Publication${string}`
  | `${string}Secret${string}`
  | 'getCatalog'
  | 'listConnectors'
  | 'checkConnection'
  | 'discoverResources';

function catalogHandlers({
  catalog,
  connections,
  secrets,
}: HttpTarget): Pick<Handlers, Extract<keyof Handlers, CatalogOperation>> {
  return {
    getCatalog: () => catalog.read(),
    planPublication: ({ body }, { who }) => catalog.plan({ ...body, author: who }),
    getPublicationPlan: ({ path }) => catalog.findPlan(path.id),
    applyPublication: ({ path }, { who }) => catalog.apply(path.id, { who, origin: 'browser' }),
    listPublications: async ({ query }) => {
      const all = await catalog.list();
      return { publications: all.slice(0, query.limit), total: all.length };
    },
    getPublication: ({ path }) => catalog.find(path.number),
    revertPublication: ({ path, body }, { who }) => catalog.planRevert(path.number, { ...body, author: who }),
    listConnectors: async () => ({ connectors: await connections.connectors() }),
    checkConnection: ({ body }) => connections.check(body),
    discoverResources: ({ body }) => connections.discover(body),
    listSecrets: async () => ({ secrets: [...(await secrets.list())] }),
    putSecret: ({ body }, { who }) => secrets.put(body.name, body.value, who),
    removeSecret: async ({ path }) => {
      await secrets.remove(path.name);
      return { secrets: [...(await secrets.list())] };
    },
  };
}

/** As on the command line: what builds beside the live tables can be undone for as long as the configuration says. */
function withUndo(
  body: ValidRequest<'planBackfill'>['body'],
  { backfill }: ConfiguredSettings,
): ValidRequest<'planBackfill'>['body'] {
  const isBuilt = body.mode === 'reset' || body.mode === 'materialization';
  return isBuilt && body.undo === undefined ? { ...body, undo: backfill.undo } : body;
}

function listed(
  runs: readonly Run[],
  { limit, state }: ValidRequest<'listRuns'>['query'],
): Answer<'listRuns'> {
  const found = runs
    .filter((run) => state === undefined || run.state === state)
    .sort((a, b) => b.createdAt - a.createdAt);
  return { runs: found.slice(0, limit).map((run) => runSummary(run)), total: found.length };
}

function named<T extends { readonly name: string }>(all: readonly T[], name: string, noun: string): T {
  const found = all.find((one) => one.name === name);
  if (found !== undefined) return found;
  throw new Problem(`BRM-${noun.toUpperCase()}-UNKNOWN`, `There is no ${noun} called ${name}.`, {
    remedy: `Look at the list of ${noun}s.`,
    at: { [noun]: name },
  });
}
