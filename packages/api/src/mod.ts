export type { AlertList } from './alert.ts';
export type { ClientOptions, Live } from './client.ts';
export { Client } from './client.ts';
export type { Collection, CollectionDetail, Preview, PreviewRow } from './collection.ts';
export type {
  ConnectionReport,
  ConnectionRequest,
  ConnectorDescription,
  Discovery,
  DiscoveryRequest,
} from './connector.ts';
export type { OperationName } from './endpoints.ts';
export { ENDPOINTS, EVENTS_PATH } from './endpoints.ts';
export type { LiveEvents, Topic } from './event.ts';
export { TOPICS } from './event.ts';
export type { LogEntry } from './log.ts';
export type { Operation } from './operations.ts';
export { OPERATIONS } from './operations.ts';
export type { RunDraftInput } from './plan.ts';
export { planApproval, runDraft } from './plan.ts';
export type { ProblemDetails } from './problem.ts';
export { problemDetails } from './problem.ts';
export { publicationDraft, revertRequest } from './publication.ts';
export type { Answer, Request, ValidRequest } from './requests.ts';
export type { RunSummary } from './run.ts';
export { runOrder } from './run.ts';
export { secretName, secretValue } from './secret.ts';
export type { Session } from './session.ts';
export type { AccessState, ConfiguredSettings, Settings } from './settings.ts';
export type { Usage } from './usage.ts';
export type { Verification } from './verification.ts';
export { verificationRequest } from './verification.ts';
