import type {
  CollectionDetail,
  ConfiguredSettings,
  ConnectionReport,
  ConnectionRequest,
  ConnectorDescription,
  Discovery,
  DiscoveryRequest,
  Preview,
} from '@brimful/api';
import type { Schema } from '@brimful/model';
import type { AlertDesk } from '../alerts/alert-watch.ts';
import type { CatalogCalls, ControlTarget, SecretCalls } from '../control-target.ts';
import type { LogRing } from './log-ring.ts';

/** What the HTTP server shows and steers: a running pipe, and what is kept about it. */
export interface HttpTarget extends ControlTarget {
  readonly catalog: CatalogCalls;
  readonly secrets: SecretCalls;
  readonly collections: CollectionLook;
  readonly connections: ConnectionLook;
  readonly logs: LogRing;
  readonly alerts: AlertDesk;
  /** In force now: another configuration may take the place of this one. */
  settings(): ConfiguredSettings;
}

/** Looks into collections. Throws `BRM-COLLECTION-UNKNOWN` where nothing was captured under a name. */
export interface CollectionLook {
  generations(name: string): Promise<Omit<CollectionDetail, 'collection'>>;
  schemas(name: string): Promise<{ readonly generation: number; readonly versions: Schema[] }>;
  /** The newest rows, the oldest of them first; `skip` counts from the newest. */
  preview(name: string, limit: number, skip: number): Promise<Preview>;
}

/** Tries connections that are not in the catalog yet. Answers never have the values of `${NAME}` references. (Invariant 10) */
export interface ConnectionLook {
  connectors(): Promise<ConnectorDescription[]>;
  /** Bounded in time; what goes wrong is a finding. */
  check(request: ConnectionRequest): Promise<ConnectionReport>;
  /** Bounded in time. Throws what keeps the source from being looked at. */
  discover(request: DiscoveryRequest): Promise<Discovery>;
}
