export type { AlertDesk, AlertSettings } from './alerts/alert-watch.ts';
export { AlertWatch } from './alerts/alert-watch.ts';
export type { WebhookOutcome, WebhookSettings } from './alerts/webhook.ts';
export { Webhook } from './alerts/webhook.ts';
export { testMessage } from './alerts/webhook-message.ts';
export { ControlClient } from './control-client.ts';
export type { ControlServer } from './control-server.ts';
export { serveControl } from './control-server.ts';
export { backfillCalls } from './control-target.ts';
export type {
  BackfillCalls,
  CatalogApproval,
  CatalogCalls,
  CatalogDraft,
  ControlTarget,
  SecretCalls,
  VerifyProgress,
  VerifyRequest,
} from './control-target.ts';
export type { ChangedRow } from './http/changed-row.ts';
export { changedRow } from './http/changed-row.ts';
export { collectionLook } from './http/collection-look.ts';
export type { HttpServer, HttpSettings } from './http/http-server.ts';
export { DEFAULT_HOST, DEFAULT_PORT, serveHttp } from './http/http-server.ts';
export type { CollectionLook, ConnectionLook, HttpTarget } from './http/http-target.ts';
export { LogRing } from './http/log-ring.ts';
export type { CatalogContent, CatalogFacts, Setting, SourceTable } from './catalog/catalog-content.ts';
export { NO_CONTENT } from './catalog/catalog-content.ts';
export { amountOfAll } from './catalog/change.ts';
export { PublicationBook } from './catalog/publication-book.ts';
export { specDiff } from './catalog/spec-diff.ts';
export { sameLines, textDiff, unifiedLines } from './catalog/text-diff.ts';
export { heldByRuns, undoTaken } from './catalog/held-by-run.ts';
