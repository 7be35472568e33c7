import type { CollectionDetail, ConfiguredSettings, Preview } from '@brimful/api';
import type { Schema } from '@brimful/model';
import type { ControlTarget } from '../control-target.ts';
import type { AlertDesk } from '../alerts/alert-watch.ts';
import type { LogRing } from './log-ring.ts';

/** What the HTTP server shows and steers: a running pipe, and what is kept about it. */
export interface HttpTarget extends ControlTarget {
  readonly collections: CollectionLook;
  readonly logs: LogRing;
  readonly alerts: AlertDesk;
  readonly settings: ConfiguredSettings;
}

/** Looks into collections. Throws `BRM-COLLECTION-UNKNOWN` where nothing was captured under a name. */
export interface CollectionLook {
  generations(name: string): Promise<Omit<CollectionDetail, 'collection'>>;
  schemas(name: string): Promise<{ readonly generation: number; readonly versions: Schema[] }>;
  /** The newest rows, the oldest of them first; `skip` counts from the newest. */
  preview(name: string, limit: number, skip: number): Promise<Preview>;
}
