import type {
  AlertList,
  Answer,
  ConnectionReport,
  ConnectionRequest,
  ConnectorDescription,
  Discovery,
  DiscoveryRequest,
  Preview,
  Request,
  RunDraftInput,
  RunSummary,
  SchemaVersions,
  Session,
  Settings,
  Usage,
} from '@brimful/api';
import { Client } from '@brimful/api';
import type {
  BackfillPlan,
  Catalog,
  Publication,
  PublicationPlan,
  PublicationSummary,
  Run,
} from '@brimful/model';

/** A plan surveys many tables on a source that is busy. */
const PLAN_LIMIT_MILLISECONDS = 300_000;
const LIMIT_MILLISECONDS = 30_000;
const RUNS_LIMIT = 1000;
const PUBLICATIONS_LIMIT = 1000;

/** The server's interface as the pages use it: every wait has its limit. Throws `Problem`. */
export class ServerClient {
  readonly api = new Client();

  session(): Promise<Session> {
    return this.api.call('getSession', {}, limited());
  }

  signIn(password: string): Promise<Session> {
    return this.api.call('signIn', { body: { password } }, limited());
  }

  signOut(): Promise<Session> {
    return this.api.call('signOut', {}, limited());
  }

  collection(name: string): Promise<Answer<'getCollection'>> {
    return this.api.call('getCollection', { path: { name } }, limited());
  }

  schemas(name: string): Promise<SchemaVersions> {
    return this.api.call('listSchemas', { path: { name } }, limited());
  }

  preview(name: string, limit: number, skip: number): Promise<Preview> {
    return this.api.call('previewCollection', { path: { name }, query: { limit, skip } }, limited());
  }

  usage(): Promise<Usage> {
    return this.api.call('getUsage', {}, limited());
  }

  plan(draft: RunDraftInput): Promise<BackfillPlan> {
    return this.api.call('planBackfill', { body: draft }, limited(PLAN_LIMIT_MILLISECONDS));
  }

  findPlan(id: string): Promise<BackfillPlan> {
    return this.api.call('getPlan', { path: { id } }, limited());
  }

  apply(planId: string, acknowledged: readonly string[]): Promise<Run> {
    const request = { path: { id: planId }, body: { acknowledged: [...acknowledged] } };
    return this.api.call('applyPlan', request, limited(PLAN_LIMIT_MILLISECONDS));
  }

  async runs(): Promise<readonly RunSummary[]> {
    return (await this.api.call('listRuns', { query: { limit: RUNS_LIMIT } }, limited())).runs;
  }

  run(id: string): Promise<Run> {
    return this.api.call('getRun', { path: { id } }, limited());
  }

  order(id: string, order: Request<'orderRun'>['body']): Promise<Run> {
    return this.api.call('orderRun', { path: { id }, body: order }, limited());
  }

  async acknowledge(id: string): Promise<void> {
    await this.api.call('acknowledgeAlert', { path: { id } }, limited());
  }

  alerts(): Promise<AlertList> {
    return this.api.call('listAlerts', {}, limited());
  }

  testAlerts(): Promise<Answer<'testAlerts'>> {
    return this.api.call('testAlerts', {}, limited());
  }

  settings(): Promise<Settings> {
    return this.api.call('getSettings', {}, limited());
  }

  verify(target: string): Promise<Answer<'startVerification'>> {
    return this.api.call('startVerification', { body: { target, level: 'full' } }, limited());
  }

  catalog(): Promise<Catalog> {
    return this.api.call('getCatalog', {}, limited());
  }

  async connectors(): Promise<readonly ConnectorDescription[]> {
    return (await this.api.call('listConnectors', {}, limited())).connectors;
  }

  check(request: ConnectionRequest): Promise<ConnectionReport> {
    return this.api.call('checkConnection', { body: request }, limited(PLAN_LIMIT_MILLISECONDS));
  }

  discover(request: DiscoveryRequest): Promise<Discovery> {
    return this.api.call('discoverResources', { body: request }, limited(PLAN_LIMIT_MILLISECONDS));
  }

  planPublication(draft: Request<'planPublication'>['body']): Promise<PublicationPlan> {
    return this.api.call('planPublication', { body: draft }, limited(PLAN_LIMIT_MILLISECONDS));
  }

  applyPublication(planId: string): Promise<Publication> {
    return this.api.call('applyPublication', { path: { id: planId } }, limited(PLAN_LIMIT_MILLISECONDS));
  }

  async publications(limit = PUBLICATIONS_LIMIT): Promise<readonly PublicationSummary[]> {
    return (await this.api.call('listPublications', { query: { limit } }, limited())).publications;
  }

  publication(number: number): Promise<Publication> {
    return this.api.call('getPublication', { path: { number } }, limited());
  }

  planRevert(number: number, reason: string): Promise<PublicationPlan> {
    return this.api.call(
      'revertPublication',
      { path: { number }, body: { reason } },
      limited(PLAN_LIMIT_MILLISECONDS),
    );
  }
}

function limited(milliseconds = LIMIT_MILLISECONDS): { readonly signal: AbortSignal } {
  return { signal: AbortSignal.timeout(milliseconds) };
}
