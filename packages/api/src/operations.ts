import { z } from 'zod';
import { alert, alertList, webhookOutcome } from './alert.ts';
import { collection, collectionDetail, preview, schemaVersions } from './collection.ts';
import { connectionReport, connectionRequest, connectors, discovery, discoveryRequest } from './connector.ts';
import type { OperationName } from './endpoints.ts';
import { name, TEXT_LIMIT } from './limits.ts';
import { logEntry } from './log.ts';
import { backfillPlan, planApproval, runDraft } from './plan.ts';
import {
  catalog,
  publication,
  publicationDraft,
  publicationPlan,
  publicationSummary,
  revertRequest,
} from './publication.ts';
import { run, runOrder, runState, runSummary } from './run.ts';
import { secretName, secretSummary, secretValue } from './secret.ts';
import { credentials, session } from './session.ts';
import { settings } from './settings.ts';
import { captureStatus, materializationStatus, runtimeStatus } from './status.ts';
import { usage } from './usage.ts';
import { verification, verificationRequest } from './verification.ts';

/** One operation: the schemas that validate its request are those that describe it. */
export interface Operation {
  readonly summary: string;
  readonly description?: string;
  readonly path?: z.ZodObject;
  readonly query?: z.ZodObject;
  readonly body?: z.ZodType;
  readonly answer: z.ZodType;
  /** Of a success. Default 200. */
  readonly status?: 201 | 202;
  /** Whether anybody may ask, signed in or not. */
  readonly open?: true;
}

/** Of a list's page, and of a preview. */
export const PAGE_LIMIT = 1000;
/** How far back a preview may begin: it is for looking, not for exporting. */
export const PREVIEW_SKIP_LIMIT = 100_000;

const byName = z.object({ name });
const byId = z.object({ id: z.string().min(1).max(TEXT_LIMIT) });
const byNumber = z.object({ number: z.coerce.number<number>().int().min(1) });
const page = z.coerce.number<number>().int().min(1).max(PAGE_LIMIT);

export const OPERATIONS = {
  getSession: { summary: 'Who is signed in', answer: session, open: true },
  signIn: { summary: 'Sign in with the admin password', body: credentials, answer: session, open: true },
  signOut: { summary: 'Sign out', answer: session, open: true },
  getStatus: { summary: 'What everything is doing', answer: runtimeStatus },
  listCaptures: { summary: 'All captures', answer: z.object({ captures: z.array(captureStatus) }) },
  getCapture: { summary: 'One capture', path: byName, answer: captureStatus },
  listCollections: { summary: 'All collections', answer: z.object({ collections: z.array(collection) }) },
  getCollection: { summary: 'One collection, with its schema', path: byName, answer: collectionDetail },
  previewCollection: {
    summary: 'The newest rows and changes of a collection',
    description: 'As they were captured. `skip` counts from the newest.',
    path: byName,
    query: z.object({
      limit: page.default(50),
      skip: z.coerce.number<number>().int().min(0).max(PREVIEW_SKIP_LIMIT).default(0),
    }),
    answer: preview,
  },
  listSchemas: {
    summary: 'Every shape the rows of a collection have had',
    path: byName,
    answer: schemaVersions,
  },
  listMaterializations: {
    summary: 'All materializations',
    answer: z.object({ materializations: z.array(materializationStatus) }),
  },
  getMaterialization: { summary: 'One materialization', path: byName, answer: materializationStatus },
  planBackfill: {
    summary: 'Plan a backfill',
    description: 'Looks at the source and the destinations, and changes nothing.',
    body: runDraft,
    answer: backfillPlan,
    status: 201,
  },
  listPlans: {
    summary: 'Plans that can still be applied, the newest first',
    answer: z.object({ plans: z.array(backfillPlan) }),
  },
  getPlan: { summary: 'One plan', path: byId, answer: backfillPlan },
  applyPlan: {
    summary: 'Start what a plan says',
    description: 'Refused when things are not as the plan saw them, or a guard wants to be confirmed.',
    path: byId,
    body: planApproval,
    answer: run,
    status: 201,
  },
  listRuns: {
    summary: 'Runs, the newest first',
    query: z.object({ limit: page.default(100), state: runState.optional() }),
    answer: z.object({ runs: z.array(runSummary), total: z.int() }),
  },
  getRun: { summary: 'One run, with its plan, tables and events', path: byId, answer: run },
  orderRun: {
    summary: 'Pause, resume, throttle, cancel, retry, skip, undo or redo a run',
    path: byId,
    body: runOrder,
    answer: run,
  },
  startVerification: {
    summary: 'Compare both sides',
    description:
      'For what differs a repair is planned; nothing else changes. Ask for it again, or listen to the events, to see how far it is.',
    body: verificationRequest,
    answer: verification,
    status: 202,
  },
  listVerifications: {
    summary: 'Verifications since the start, the newest first',
    answer: z.object({ verifications: z.array(verification) }),
  },
  getVerification: { summary: 'One verification', path: byId, answer: verification },
  cancelVerification: { summary: 'End a verification early', path: byId, answer: verification },
  listAlerts: {
    summary: 'What somebody should know: open alerts, and those that are over',
    answer: alertList,
  },
  acknowledgeAlert: {
    summary: 'Say that somebody has seen an alert',
    description: 'What tells only what happened is cleared by it.',
    path: byId,
    answer: alert,
  },
  testAlerts: { summary: 'Send a test to the webhook', answer: webhookOutcome },
  listLogs: {
    summary: 'The newest log lines, the oldest of them first',
    query: z.object({
      limit: page.default(200),
      level: z.enum(['info', 'warn', 'error']).default('info'),
      after: z.coerce.number<number>().int().min(0).default(0),
    }),
    answer: z.object({ entries: z.array(logEntry) }),
  },
  getSettings: { summary: 'What is in force by the configuration file, without secrets', answer: settings },
  getUsage: { summary: 'Rows and bytes over the last hour', answer: usage },
  getCatalog: { summary: 'The configuration file, and what of it runs', answer: catalog },
  planPublication: {
    summary: 'Plan a new text of the configuration file',
    description:
      'Says what would happen, and changes nothing. A text that is not valid has a plan with problems.',
    body: publicationDraft,
    answer: publicationPlan,
    status: 201,
  },
  getPublicationPlan: {
    summary: 'One plan of a new text',
    description: 'Kept in memory: a restart forgets it.',
    path: byId,
    answer: publicationPlan,
  },
  applyPublication: {
    summary: 'Write the file and run what it says',
    description:
      'Refused when the file is not the one it was planned on (`BRM-CATALOG-CHANGED`, with the difference), or when it does not start: then all is as before.',
    path: byId,
    answer: publication,
    status: 201,
  },
  listPublications: {
    summary: 'Changes of the configuration, the newest first',
    query: z.object({ limit: page.default(100) }),
    answer: z.object({ publications: z.array(publicationSummary), total: z.int() }),
  },
  getPublication: { summary: 'One change, with its texts', path: byNumber, answer: publication },
  revertPublication: {
    summary: 'Plan to go back to the text before a change',
    path: byNumber,
    body: revertRequest,
    answer: publicationPlan,
    status: 201,
  },
  listConnectors: { summary: 'What can be captured from and materialized into', answer: connectors },
  checkConnection: {
    summary: 'Try a connection, and say what is missing',
    description: 'References such as `${NAME}` are filled in on the server; their values never come back.',
    body: connectionRequest,
    answer: connectionReport,
  },
  discoverResources: {
    summary: 'The tables of a source',
    body: discoveryRequest,
    answer: discovery,
  },
  listSecrets: {
    summary: 'Names of the secrets that are kept',
    answer: z.object({ secrets: z.array(secretSummary) }),
  },
  putSecret: {
    summary: 'Keep a secret, encrypted',
    description:
      '`${NAME}` in the configuration means it where the environment has no such variable. It never comes back. What runs takes it up with the next publication or start.',
    body: secretValue,
    answer: secretSummary,
    status: 201,
  },
  removeSecret: {
    summary: 'Forget a secret',
    path: z.object({ name: secretName }),
    answer: z.object({ secrets: z.array(secretSummary) }),
  },
} as const satisfies Readonly<Record<OperationName, Operation>>;
